"""Exercises of chapter 5: a transformer that draws."""

TITLE = "Diffusion transformers"
ORDER = (
    "patchify",
    "sincos_at",
    "rotate",
    "modulate",
    "hunt_unpatchify",
    "hunt_adaln_zero",
    "straight_line",
)
