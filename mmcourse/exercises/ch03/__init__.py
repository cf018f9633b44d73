"""Exercises of chapter 3: a critic, and pictures drawn code by code."""

TITLE = "VQGAN"
ORDER = (
    "receptive_field",
    "hinge_loss",
    "adaptive_weight",
    "top_p_filter",
    "hunt_gan_step",
    "hunt_perceptual",
    "maskgit_step",
)
