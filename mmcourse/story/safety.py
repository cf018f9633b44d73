"""What a pipeline's own safety checker says of a picture, and what a story makes of it.

A checker such as Stable Diffusion's paints a picture black that it holds back. So it is drawn again
from another seed, like any picture that does not pass; if all tries are held back, the page stays
black and says why. The verdict is part of the picture's record, in either case.
"""

from __future__ import annotations

from mmcourse.story.abilities import Drawn, Finding
from mmcourse.story.story import Picture

HELD_BACK = "A black picture: the safety checker held back what was drawn."
"""The alt text of a picture that nobody is shown."""


def safety_of(drawn: Drawn) -> tuple[Finding, ...]:
    """The verdict as a finding; none where nothing was checked."""
    if drawn.safety not in ("ok", "flagged"):
        return ()
    return (Finding("safety checker", drawn.safety == "ok", found=drawn.safety),)


def faults(picture: Picture) -> tuple[bool, int]:
    """How bad a picture is: whether it was held back, then how many findings failed."""
    return picture.safety == "flagged", sum(not f.passed for f in picture.findings)
