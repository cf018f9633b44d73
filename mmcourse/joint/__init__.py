"""Chapter 1: texts and pictures in one space."""

from mmcourse.joint.losses import clip_loss, masked_clip_loss, siglip_loss
from mmcourse.joint.model import JointModel
from mmcourse.joint.retrieval import nearest, recall_at_k, zero_shot_predict
from mmcourse.joint.similarity import cosine_similarity_matrix
from mmcourse.joint.towers import ImageTower, TextTower

__all__ = [
    "ImageTower",
    "JointModel",
    "TextTower",
    "clip_loss",
    "cosine_similarity_matrix",
    "masked_clip_loss",
    "nearest",
    "recall_at_k",
    "siglip_loss",
    "zero_shot_predict",
]
