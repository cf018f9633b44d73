"""Chapter 2: pictures as grids of code numbers, and back."""

from mmcourse.vqvae.autoencoder import VQVAE, Decoder, Encoder
from mmcourse.vqvae.distortion import psnr
from mmcourse.vqvae.ema import EMAVectorQuantizer, ema_update
from mmcourse.vqvae.fsq import FSQ, fsq_round
from mmcourse.vqvae.gradient import rotation_trick, straight_through
from mmcourse.vqvae.losses import codebook_loss, commitment_loss, vq_loss
from mmcourse.vqvae.nearest import nearest_codes
from mmcourse.vqvae.prior import CodePrior
from mmcourse.vqvae.quantizer import CosineQuantizer, Quantized, VectorQuantizer, quantize
from mmcourse.vqvae.sequence import SharedVocabulary
from mmcourse.vqvae.simvq import SimVQ
from mmcourse.vqvae.usage import perplexity, usage

__all__ = [
    "FSQ",
    "VQVAE",
    "CodePrior",
    "CosineQuantizer",
    "Decoder",
    "EMAVectorQuantizer",
    "Encoder",
    "Quantized",
    "SharedVocabulary",
    "SimVQ",
    "VectorQuantizer",
    "codebook_loss",
    "commitment_loss",
    "ema_update",
    "fsq_round",
    "nearest_codes",
    "perplexity",
    "psnr",
    "quantize",
    "rotation_trick",
    "straight_through",
    "usage",
    "vq_loss",
]
