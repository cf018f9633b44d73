"""Exercises of chapter 1: texts and pictures in one space, and read together."""

TITLE = "Joint embeddings"
ORDER = (
    "attention_maps",
    "normalise_similarity",
    "clip_loss",
    "recall_at_k",
    "zero_shot",
    "negative_chances",
    "hunt_contrastive",
    "hunt_pooling",
    "siglip_loss",
    "train_siglip",
)
