"""Exercises of chapter 4: pictures out of noise."""

TITLE = "Diffusion"
ORDER = (
    "add_noise",
    "x0_from_v",
    "ddim_step",
    "guide",
    "hunt_flow_loss",
    "hunt_sampler",
    "dpm_solver_step",
)
