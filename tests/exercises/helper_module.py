"""A learner's own module beside the notebook."""

import torch

SHARE = 0.5


def logits(text_emb, image_emb, logit_scale):
    return logit_scale * text_emb @ image_emb.T


def both(matrix):
    target = torch.arange(len(matrix), device=matrix.device)
    loss = torch.nn.functional.cross_entropy
    return SHARE * (loss(matrix, target) + loss(matrix.T, target))
