"""Pictures of the book: computed by a lab, drawn from an experiment's results, drawn by hand.

```{lab-figure} ch01.modality_gap
A caption of its own, or none: then the lab's.
```

```{exp-figure} vqvae_collapse.cures
:alt: What is to be seen, for a reader who cannot see it.
The caption.
```

```{diagram} two_towers
:alt: What is to be seen, for a reader who cannot see it.
The caption.
```

All put SVG into the page, so that the page's colours (light, dark) reach it by the CSS variables
--mm-ink, --mm-paper and --mm-grid. All are figures to Sphinx: numbered, and referred to by
{numref}`fig-ch01-modality-gap` or {numref}`diagram-two-towers`.
"""

import difflib
import html
import json
import re
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from matplotlib import pyplot as plt
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from mmcourse.plots import to_svg

from .claims import fill_in, source_label
from .curves import DRAWN
from .labs import executed, label_for, slug
from .sources import FILES, executed_outputs

FIGURE = re.compile(
    r"<figure\b[^>]*>(?P<picture>.*?)(?:<figcaption[^>]*>(?P<caption>.*?)</figcaption>\s*)?</figure>",
    re.DOTALL,
)


def nearest(name: str, known: list[str]) -> str:
    """The end of an error message: the nearest name that exists, or that there is none."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0)
    return f"the nearest that exists is {near[0]!r}" if near else "there is none yet"


def with_alt(svg: str, alt: str) -> str:
    """The SVG as one image to a screen reader: role and label on the root, no title within."""
    svg = re.sub(r"^.*?(?=<svg\b)", "", svg, flags=re.DOTALL)  # XML declaration, comments
    svg = re.sub(r"<title>.*?</title>", "", svg, count=1, flags=re.DOTALL)  # a tooltip otherwise
    root = re.sub(r'\s(?:role|aria-label|aria-labelledby)="[^"]*"', "", svg[: svg.index(">")])
    return f'{root} role="img" aria-label="{html.escape(alt)}"{svg[svg.index(">") :]}'


def with_own_ids(svg: str, prefix: str) -> str:
    """The SVG with its ids prefixed, so that two drawings on a page do not share arrowheads."""
    for name in set(re.findall(r'\bid="([^"]+)"', svg)):
        new = f"{prefix}-{name}"
        svg = svg.replace(f'id="{name}"', f'id="{new}"').replace(f"url(#{name})", f"url(#{new})")
        svg = svg.replace(f'href="#{name}"', f'href="#{new}"')
    return svg


class Picture(SphinxDirective):
    """What the directives share: a numbered figure around a piece of HTML."""

    required_arguments = 1
    has_content = True

    def figure(self, picture: str, label: str, caption: list[nodes.Node]) -> list[nodes.Node]:
        """A figure node with a label that {numref} and {ref} know."""
        figure = nodes.figure("", nodes.raw("", picture, format="html"), classes=["mm-figure"])
        figure += nodes.caption("", "", *caption)
        self.set_source_info(figure)
        figure["names"].append(label)
        self.state.document.note_explicit_target(figure, figure)
        return [figure]

    def written_caption(self) -> list[nodes.Node]:
        """The directive's body, as the inline content of its first paragraph."""
        body = self.parse_content_to_nodes() if self.content else []
        return list(body[0].children) if body else []

    def origin(self, text: str, target: str) -> nodes.Node:
        """The end of a caption: a link to what computed the picture."""
        link = addnodes.pending_xref("", nodes.inline("", text), reftarget=target)
        link.update_all_atts({"refdomain": "std", "reftype": "ref", "refexplicit": True})
        link.update_all_atts({"refwarn": True, "refdoc": self.env.docname})
        self.set_source_info(link)
        return nodes.inline("", " ", link, classes=["mm-origin"])


class LabFigure(Picture):
    """The figure of that name, from an executed lab."""

    option_spec: ClassVar = {"name": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        known: dict[str, str] = {}
        for file in executed(self.env):
            for _, tag, output in executed_outputs(file):
                if "figure" in tag:
                    known[tag["figure"]["name"]] = output["data"].get("text/html", "")
        if name not in known:
            raise self.error(f"no lab shows a figure {name!r}; {nearest(name, list(known))}")
        found = FIGURE.search(known[name])
        if not found or 'aria-label="' not in found["picture"]:
            raise self.error(f"the lab's figure {name!r} is not a <figure> with an alt text")
        caption = self.written_caption() or [nodes.raw("", found["caption"] or "", format="html")]
        origin = self.origin("Computed in the lab", label_for("figure", name))
        label = self.options.get("name", f"fig-{slug(name)}")
        return self.figure(found["picture"], label, [*caption, origin])


class DescribedPicture(Picture):
    """A picture whose text for those who cannot see it stands on the page."""

    option_spec: ClassVar = {
        "alt": directives.unchanged_required,
        "name": directives.unchanged_required,
    }

    def alt(self, name: str) -> str:
        """The option `alt`, on one line."""
        alt = " ".join(self.options.get("alt", "").split())
        if len(alt) < 20:
            raise self.error(f"{self.name} {name!r} has no :alt: that says what is to be seen")
        try:
            return fill_in(self.env, alt)
        except (LookupError, ValueError) as error:
            raise self.error(f"{self.name} {name!r}: {error.args[0]}") from error


class ExperimentFigure(DescribedPicture):
    """A figure of `curves.DRAWN`, from the results of its experiment."""

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        if name not in DRAWN:
            raise self.error(f"no drawing of {name!r}; {nearest(name, list(DRAWN))}")
        experiment = name.partition(".")[0]
        file = Path(self.env.srcdir) / FILES["exp"].format(experiment)
        if not file.is_file():
            raise self.error(f"{name!r} is drawn from {file.name}, which does not exist")
        self.env.note_dependency(str(file))
        fig = DRAWN[name](json.loads(file.read_text(encoding="utf-8")))
        svg = with_own_ids(with_alt(to_svg(fig), self.alt(name)), slug(name))
        plt.close(fig)
        origin = self.origin("Computed by an experiment", source_label("exp", experiment))
        label = self.options.get("name", f"fig-{slug(name)}")
        return self.figure(svg, label, [*self.written_caption(), origin])


class Diagram(DescribedPicture):
    """The hand-drawn book/diagrams/NAME.svg."""

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        folder = Path(self.env.srcdir) / self.config.mmcourse_diagrams
        file = folder / f"{name}.svg"
        if not file.is_file():
            known = [other.stem for other in folder.glob("*.svg")]
            raise self.error(f"no diagram {name!r} in {folder.name}; {nearest(name, known)}")
        alt = self.alt(name)
        self.env.note_dependency(str(file))
        svg = with_own_ids(with_alt(file.read_text(encoding="utf-8"), alt), slug(name))
        label = self.options.get("name", f"diagram-{slug(name)}")
        return self.figure(svg, label, self.written_caption())


def setup(app: Sphinx) -> None:
    """Register the directives and the folder of drawings."""
    app.add_config_value("mmcourse_diagrams", "book/diagrams", "env", types=[str])
    app.add_directive("lab-figure", LabFigure)
    app.add_directive("exp-figure", ExperimentFigure)
    app.add_directive("diagram", Diagram)
