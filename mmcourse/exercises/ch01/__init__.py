"""Exercises of chapter 1: texts and pictures in one space."""

TITLE = "Joint embeddings"
ORDER = (
    "normalise_similarity",
    "clip_loss",
    "recall_at_k",
    "zero_shot",
    "hunt_contrastive",
    "hunt_pooling",
    "siglip_loss",
)
