"""How to cite the book, written from CITATION.cff so that nothing is said twice.

```{how-to-cite}
```
is a BibTeX entry with a copy button. Its version must be the package's, else the build fails.
"""

import re
from pathlib import Path

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ROLES = {"book": "book", "software": "software"}  # CFF's types, as BibLaTeX's


def bibtex(citation: dict, year: str) -> str:
    """The entry. Names of people become "Family, Given"; a name in one piece is kept in braces."""
    people = [
        f"{{{author['name']}}}"
        if "name" in author
        else f"{author['family-names']}, {author['given-names']}"
        for author in citation["authors"]
    ]
    fields = {
        "author": " and ".join(people),
        "title": f"{{{citation['title']}}}",
        "year": year,
        "version": str(citation["version"]),
        "license": citation["license"],
        "url": citation["url"],
    }
    width = max(map(len, fields))
    lines = [f"  {key:<{width}} = {{{value}}}," for key, value in fields.items()]
    key = citation["repository-code"].rstrip("/").rsplit("/", 1)[-1] + year
    return "\n".join([f"@{ROLES[citation['type']]}{{{key},", *lines, "}"])


class HowToCite(SphinxDirective):
    """The entry as a block of code."""

    def run(self) -> list[nodes.Node]:
        root = Path(self.env.srcdir)
        file, code = root / "CITATION.cff", root / "mmcourse" / "_version.py"
        for source in (file, code):
            self.env.note_dependency(str(source))
        citation = yaml.safe_load(file.read_text(encoding="utf-8"))
        version = re.search(r'__version__ = "([^"]+)"', code.read_text(encoding="utf-8"))
        if not version or version[1] != str(citation["version"]):
            found = version[1] if version else "none"
            raise self.error(
                f"CITATION.cff says version {citation['version']}, mmcourse/_version.py {found}:"
                " make them agree"
            )
        released = citation.get("date-released")  # until the first release, the copyright's year
        year = str(released)[:4] if released else re.findall(r"\d{4}", self.config.copyright)[-1]
        text = bibtex(citation, year)
        return [nodes.literal_block(text, text, language="bibtex")]


def setup(app: Sphinx) -> None:
    """Register the directive."""
    app.add_directive("how-to-cite", HowToCite)
