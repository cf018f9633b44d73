"""Exercises of chapter 7: what a storyteller has to remember, and to doubt."""

TITLE = "The storyteller"
ORDER = (
    "true_at",
    "pack",
    "nearest_on_path",
    "character_f1",
    "identity_margin",
    "hunt_memory",
    "hunt_checker",
    "contradictions",
)
