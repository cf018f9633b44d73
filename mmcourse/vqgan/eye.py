"""Where a picture shows somebody, and who it is: dense truth for whoever learns to draw.

A scene's animals fill a fifth of its picture and nearly all of its caption. An error that counts
every place alike is an error of skies and hills; whoever learns from it draws the right evening
long before the right fox.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mmcourse.refusals import check_bytes
from mmcourse.storyworld import from_bytes
from mmcourse.vqgan.features import KINDS, PATCH, QUESTIONS, Features

FOCUS = 1.0
"""A place that shows somebody or something counts so much more than one that does not: twice."""
WHO = {"character": KINDS.index("character"), "thing": KINDS.index("thing")}
"""What captions speak of most, with its place among the kinds."""
ASKED = 0.5
"""Weight of the guesses about whoever is at a place in a loss; in the steps of reading it is 1."""
BATCH = 32


class Eye:
    """The heads of a `Features` network, asked about what it saw in the patches of a clean picture.

    They are linear, so the mean of what it saw in several places gives the mean of its answers.

    Args:
        features: the network.
        seen: (N, P, D), what it sees in usual pictures: shares are measured against them.

    Raises:
        ValueError: no pictures.
    """

    def __init__(self, features: Features, seen: Tensor) -> None:
        if not seen.numel():
            raise ValueError(f"seen is {tuple(seen.shape)}: shares need one usual picture or more")
        names = ["kind", *(name for name in QUESTIONS if name.split(".")[0] in WHO)]
        heads = [features.heads[name.replace(".", "_")] for name in names]
        self.names, self.sizes = names, [len(QUESTIONS[name]) for name in names]
        weights, biases = zip(*(head.parameters() for head in heads), strict=True)
        self.weight = torch.cat([w.detach().flatten(1) for w in weights])  # (A, D)
        self.bias = torch.cat([b.detach() for b in biases])  # (A,)
        kinds = self.kinds(seen.float())
        self.usual = {who: float(kinds[..., at].mean()) for who, at in WHO.items()}

    def __len__(self) -> int:
        """How many numbers answer all questions."""
        return len(self.bias)

    def answers(self, seen: Tensor) -> list[Tensor]:
        """For each question the logits of its values, (B, P, values), of seen (B, P, D)."""
        weight, bias = self.weight.to(seen.device), self.bias.to(seen.device)
        return list(F.linear(seen, weight, bias).split(self.sizes, -1))

    def kinds(self, seen: Tensor) -> Tensor:
        """(B, P, kinds): how likely each kind is on each patch."""
        size = self.sizes[0]
        return F.linear(seen, self.weight[:size].to(seen), self.bias[:size].to(seen)).softmax(-1)

    def focus(self, seen: Tensor) -> Tensor:
        """How much each patch counts in the error, (B, P), in the mean of usual pictures 1."""
        kinds = self.kinds(seen)
        there = kinds[..., list(WHO.values())].sum(-1)
        return (1 + FOCUS * there) / (1 + FOCUS * sum(self.usual.values()))

    def missed(self, guesses: Tensor, seen: Tensor) -> Tensor:
        """How far guesses (B, P, A) are from the answers about whoever is on a patch: the mean KL
        divergence in nats, over questions and over patches where there is somebody. A scalar.
        """
        kinds, total = self.kinds(seen), seen.new_zeros(())
        asked = zip(self.names, self.answers(seen), guesses.split(self.sizes, -1), strict=True)
        for name, answer, guess in asked:
            said, wanted = guess.log_softmax(-1), answer.log_softmax(-1)
            apart = (wanted.exp() * (wanted - said)).sum(-1)  # (B, P)
            who = name.split(".")[0]
            if who in WHO:
                apart = apart * kinds[..., WHO[who]] / self.usual[who]
            total = total + apart.mean()
        return total / len(self.names)

    def asked(
        self, guesses: Tensor, seen: Tensor, wordless: Tensor | None, reading: bool
    ) -> tuple[Tensor, Tensor]:
        """`missed`, and what it adds to a loss; scalars.

        Args:
            guesses: (B, P, A).
            seen: (B, P, D).
            wordless: (B,) bool, rows without words: there is nothing to know, and nothing to learn.
            reading: whether this is a step of reading.
        """
        if wordless is not None:
            guesses = torch.where(wordless[:, None, None], guesses.detach(), guesses)
        missed = self.missed(guesses, seen)
        return missed, (1.0 if reading else ASKED) * missed


def over_places(patches: Tensor, patch: int, height: int, width: int) -> Tensor:
    """A number for each patch, (B, P), as one for each place of the latents, (B, 1, H, W)."""
    grid = patches.unflatten(1, (height // patch, width // patch))
    return grid.repeat_interleave(patch, 1).repeat_interleave(patch, 2)[:, None]


def seen_by(features: Features, pictures: Tensor, side: int = 16) -> Tensor:
    """What a features network sees in each square of uint8 pictures (N, S, S, 3).

    Args:
        features: the network.
        pictures: its `side` divides S.
        side: of the squares in pixels, a multiple of 8.

    Returns:
        (N, S / side · S / side, D), float32, on the CPU, from left to right and then down.

    Raises:
        ValueError: pictures that are no bytes, or none.
    """
    check_bytes(pictures, 3)
    device = next(features.parameters()).device
    found = []
    with torch.no_grad():
        for part in pictures.split(BATCH):
            seen = F.avg_pool2d(features(from_bytes(part).to(device))[3], side // PATCH)
            found.append(seen.flatten(2).mT.cpu())
    return torch.cat(found)
