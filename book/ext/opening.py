"""The captions of chapter 1's opening game, as the package has them.

```{opening-game}
```
prints them numbered, in two columns where there is room.
"""

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from mmcourse.joint.opening import CAPTIONS


class OpeningGame(SphinxDirective):
    """Two numbered lists side by side, the second going on where the first ends."""

    def run(self) -> list[nodes.Node]:
        half = len(CAPTIONS) // 2
        lines = ["````{grid} 1 1 2 2", ":gutter: 1", ""]
        for first, column in ((1, CAPTIONS[:half]), (half + 1, CAPTIONS[half:])):
            items = [f"{number}. {text}" for number, text in enumerate(column, first)]
            lines += ["```{grid-item}", *items, "```", ""]
        lines.append("````")
        box = nodes.container()
        self.state.nested_parse(StringList(lines, self.env.docname), 0, box)
        return box.children


def setup(app: Sphinx) -> None:
    """Register the directive."""
    app.add_directive("opening-game", OpeningGame)
