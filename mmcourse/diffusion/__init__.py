"""Chapter 4: pictures out of noise."""

from mmcourse.diffusion.cond import Cond
from mmcourse.diffusion.guidance import Guided, draw_dropped, guide, rescale
from mmcourse.diffusion.objectives import OBJECTIVES, convert, min_snr_weight, parts, target
from mmcourse.diffusion.samplers import (
    SAMPLERS,
    Step,
    ddim,
    ddpm,
    dpm_solver,
    euler,
    heun,
    last,
    sample,
)
from mmcourse.diffusion.schedule import (
    CLEAN,
    FlowPath,
    Level,
    NoiseSchedule,
    Path,
    add_noise,
    build_path,
    cosine_betas,
    linear_betas,
    logit_normal,
    scaled_linear_betas,
    zero_terminal_snr,
)
from mmcourse.diffusion.steps import ddim_step, ddpm_step, dpm_solver_step
from mmcourse.diffusion.text import TextReader
from mmcourse.diffusion.text_unet import TextUNet
from mmcourse.diffusion.unet import PixelUNet, UNet

__all__ = [
    "CLEAN",
    "OBJECTIVES",
    "SAMPLERS",
    "Cond",
    "FlowPath",
    "Guided",
    "Level",
    "NoiseSchedule",
    "Path",
    "PixelUNet",
    "Step",
    "TextReader",
    "TextUNet",
    "UNet",
    "add_noise",
    "build_path",
    "convert",
    "cosine_betas",
    "ddim",
    "ddim_step",
    "ddpm",
    "ddpm_step",
    "dpm_solver",
    "dpm_solver_step",
    "draw_dropped",
    "euler",
    "guide",
    "heun",
    "last",
    "linear_betas",
    "logit_normal",
    "min_snr_weight",
    "parts",
    "rescale",
    "sample",
    "scaled_linear_betas",
    "target",
    "zero_terminal_snr",
]
