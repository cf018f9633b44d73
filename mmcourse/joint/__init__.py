"""Chapter 1: texts and pictures in one space, and read together."""

from mmcourse.joint.cross_attention import CrossModalAttention
from mmcourse.joint.fused import FusedEncoder
from mmcourse.joint.fusion import ConcatFusion, CrossAttentionFusion, GatedFusion
from mmcourse.joint.losses import clip_loss, masked_clip_loss, siglip_loss
from mmcourse.joint.masking import mask_words, masked_word_loss
from mmcourse.joint.matching import draw_negatives, matching_loss, negative_chances
from mmcourse.joint.model import JointModel
from mmcourse.joint.retrieval import nearest, recall_at_k, zero_shot_predict
from mmcourse.joint.similarity import cosine_similarity_matrix
from mmcourse.joint.towers import ImageTower, TextTower

__all__ = [
    "ConcatFusion",
    "CrossAttentionFusion",
    "CrossModalAttention",
    "FusedEncoder",
    "GatedFusion",
    "ImageTower",
    "JointModel",
    "TextTower",
    "clip_loss",
    "cosine_similarity_matrix",
    "draw_negatives",
    "mask_words",
    "masked_clip_loss",
    "masked_word_loss",
    "matching_loss",
    "nearest",
    "negative_chances",
    "recall_at_k",
    "siglip_loss",
    "zero_shot_predict",
]
