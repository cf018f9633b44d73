"""Chapter 3: an autoencoder with a critic, and pictures from sentences by its codes."""

from mmcourse.vqgan.adaptive import adaptive_weight
from mmcourse.vqgan.autoencoder import VQGAN
from mmcourse.vqgan.discriminator import PatchDiscriminator, receptive_field
from mmcourse.vqgan.frechet import frechet_distance
from mmcourse.vqgan.game import Objective, gan_step
from mmcourse.vqgan.losses import (
    hinge_discriminator_loss,
    hinge_generator_loss,
    lecam_regulariser,
    logistic_discriminator_loss,
    non_saturating_generator_loss,
)
from mmcourse.vqgan.perceptual import PerceptualLoss, VGG16Features, lpips_weights, vgg16_features
from mmcourse.vqgan.residual import ResidualQuantizer

__all__ = [
    "VQGAN",
    "Objective",
    "PatchDiscriminator",
    "PerceptualLoss",
    "ResidualQuantizer",
    "VGG16Features",
    "adaptive_weight",
    "frechet_distance",
    "gan_step",
    "hinge_discriminator_loss",
    "hinge_generator_loss",
    "lecam_regulariser",
    "logistic_discriminator_loss",
    "lpips_weights",
    "non_saturating_generator_loss",
    "receptive_field",
    "vgg16_features",
]
