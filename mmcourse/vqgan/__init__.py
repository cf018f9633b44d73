"""Chapter 3: an autoencoder with a critic, and pictures from sentences by its codes."""

from mmcourse.vqgan.adaptive import adaptive_weight
from mmcourse.vqgan.autoencoder import VQGAN
from mmcourse.vqgan.discriminator import PatchDiscriminator, receptive_field
from mmcourse.vqgan.filters import Drawing, guided, top_k_filter, top_p_filter
from mmcourse.vqgan.frechet import frechet_distance
from mmcourse.vqgan.game import Objective, gan_step
from mmcourse.vqgan.losses import (
    hinge_discriminator_loss,
    hinge_generator_loss,
    lecam_regulariser,
    logistic_discriminator_loss,
    non_saturating_generator_loss,
)
from mmcourse.vqgan.masked import halton_order, maskgit_step, sample_masked, still_masked
from mmcourse.vqgan.perceptual import PerceptualLoss, VGG16Features, lpips_weights, vgg16_features
from mmcourse.vqgan.prior import ResidualPrior
from mmcourse.vqgan.residual import ResidualQuantizer
from mmcourse.vqgan.sample import no_text, sample_raster

__all__ = [
    "VQGAN",
    "Drawing",
    "Objective",
    "PatchDiscriminator",
    "PerceptualLoss",
    "ResidualPrior",
    "ResidualQuantizer",
    "VGG16Features",
    "adaptive_weight",
    "frechet_distance",
    "gan_step",
    "guided",
    "halton_order",
    "hinge_discriminator_loss",
    "hinge_generator_loss",
    "lecam_regulariser",
    "logistic_discriminator_loss",
    "lpips_weights",
    "maskgit_step",
    "no_text",
    "non_saturating_generator_loss",
    "receptive_field",
    "sample_masked",
    "sample_raster",
    "still_masked",
    "top_k_filter",
    "top_p_filter",
    "vgg16_features",
]
