"""Exercises of chapter 6: large models adapted by small ones."""

TITLE = "LoRA and vision-language models"
ORDER = (
    "update_scale",
    "lora_linear",
    "replace_layers",
    "merged_weight",
    "answer_labels",
    "hunt_lora_layer",
    "hunt_next_token_loss",
    "round_to_levels",
)
