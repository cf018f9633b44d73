"""Exercises of chapter 2: pictures as grids of code numbers, and back."""

TITLE = "VQ-VAE"
ORDER = (
    "nearest_codes",
    "straight_through",
    "vq_loss",
    "perplexity",
    "ema_update",
    "hunt_quantizer",
    "hunt_ema",
    "fsq_round",
    "rotation_trick",
)
