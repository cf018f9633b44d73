"""The checker of pictures that a pretrained pipeline drew.

The world's checker compares pixels with an exact drawing of the scene, which nobody asked the
pipeline for. So this one looks for the one fault that pixels show by themselves, and says what it
did not measure. What the pipeline's own safety checker found is added where the picture is drawn.
"""

from __future__ import annotations

from mmcourse.story.abilities import CheckRequest, Finding
from mmcourse.story.backends.world_checker import COPY, small
from mmcourse.story.copies import apart, mirrored


class PixelChecker:
    """Refuses a picture that is one of memory's, or its mirror image."""

    def check(self, request: CheckRequest) -> tuple[Finding, ...]:
        """A finding for each picture that was pasted, and one that says what is not checked."""
        picture = small(request.picture)
        out = []
        for r in request.references:
            if r.picture is None:
                continue
            seen = small(r.picture)
            for name, image in (("copy", picture), ("mirrored copy", mirrored(picture))):
                far = apart(image, seen)
                if far < COPY:
                    found = f"a {name} of the picture of {r.name}"
                    out.append(Finding("new picture", False, "another picture", found, far / COPY))
        unmeasured = "not measured: no model here was tested on such pictures"
        return (*out, Finding("facts and identities", True, found=unmeasured))
