"""{claim}`card:joint.t2i_recall_at_1|.1%`: a computed number in a sentence, or in an alt text.

The number is read from what computed it (see `sources`), printed by a format after the bar (see
`numbers`), and linked to its origin: the cell of a lab, or the ledger on the status page. A claim
that does not exist fails the build, whether or not warnings are errors.
"""

import re
from pathlib import Path
from typing import NamedTuple

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole

from . import sources
from .labs import executed, label_for, labs_folder, slug
from .numbers import printed

logger = logging.getLogger(__name__)


class Use(NamedTuple):
    """One claim on one page. `docname` is the page's, `source` is the kind and name of its file."""

    docname: str
    target: str
    text: str
    source: tuple[str, str]


def uses(env: BuildEnvironment) -> list[Use]:
    """The environment's list of claims, kept from one build to the next."""
    if not hasattr(env, "mmcourse_claims"):
        env.mmcourse_claims = []  # type: ignore[attr-defined]
    return env.mmcourse_claims  # type: ignore[attr-defined]


def all_sources(env: BuildEnvironment) -> list[sources.Source]:
    """Read every source; the page that asks is read again when one of them changes."""
    executed(env)
    found = sources.read_all(Path(env.srcdir), labs_folder(env))
    for source in found:
        env.note_dependency(str(source.file))
    return found


def source_label(kind: str, name: str) -> str:
    """The label of a source's place in the ledger."""
    return f"source-{kind}-{slug(name)}"


WRITTEN = re.compile(r"\{claim\}`([^`|]+)(?:\|([^`]*))?`")


def fill_in(env: BuildEnvironment, text: str) -> str:
    """The claims in a plain text, such as an alt text, as printed numbers.

    Raises:
        LookupError, ValueError: as `sources.evaluate`, and for a format that does not fit.
    """

    def value(match: re.Match[str]) -> str:
        _, found = sources.evaluate(all_sources(env), match[1].strip())
        return printed(found, match[2] or None)

    return WRITTEN.sub(value, text)


class ClaimRole(SphinxRole):
    """`kind:key`, with an optional format after a bar."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        target, _, spec = (part.strip() for part in self.text.partition("|"))
        try:
            source, value = sources.evaluate(all_sources(self.env), target)
            text = printed(value, spec or None)
        except (LookupError, ValueError) as error:
            reason = error.args[0] if isinstance(error, LookupError) else f"{target}: {error}"
            return [self.missing(reason)], []
        uses(self.env).append(Use(self.env.docname, target, text, (source.kind, source.name)))
        inner = nodes.inline("", text, classes=["mm-claim"])
        if source.kind == "lab":
            key = next(part[4:] for part in target.split() if part.startswith("lab:"))
            name = next(n for n in tagged_names(source) if f"{key}.".startswith(f"{n}."))
            label = label_for("claim", name)
        else:
            label = source_label(source.kind, source.name)
        link = addnodes.pending_xref("", inner, refdomain="std", reftype="ref", reftarget=label)
        link.update_all_atts({"refexplicit": True, "refwarn": True, "refdoc": self.env.docname})
        self.set_source_info(link)
        return [link], []

    def missing(self, reason: str) -> nodes.Node:
        """Report the claim with its file and line, and count it, so that the build fails."""
        logger.error(reason, location=self.get_location(), type="mmcourse", subtype="claim")
        self.env.app.mmcourse_missing_claims += 1  # type: ignore[attr-defined]
        self.env.note_reread()  # so that the next build does not pass for want of looking
        return nodes.strong("", "missing claim")


def tagged_names(source: sources.Source) -> list[str]:
    """The names that a lab passed to `mmcourse.claim`, longest first."""
    tags = [
        tag["claim"]["name"]
        for _, tag, _ in sources.executed_outputs(source.file)
        if "claim" in tag
    ]
    return sorted(tags, key=len, reverse=True)


def forget(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Drop a page's claims before it is read again."""
    uses(env)[:] = [use for use in uses(env) if use.docname != docname]


def merge(app: Sphinx, env: BuildEnvironment, docnames: set[str], other: BuildEnvironment) -> None:
    """Take over the claims of pages that another process read."""
    uses(env).extend(use for use in uses(other) if use.docname in docnames)


def fail_on_missing(app: Sphinx, exception: Exception | None) -> None:
    """A book with a missing number is no book, even where warnings are allowed."""
    count = app.mmcourse_missing_claims  # type: ignore[attr-defined]
    if exception is None and count:
        raise ExtensionError(f"{count} claim(s) do not exist: see the errors above")


def setup(app: Sphinx) -> None:
    """Register the role and the note-keeping between builds."""
    app.mmcourse_missing_claims = 0  # type: ignore[attr-defined]
    app.add_role("claim", ClaimRole())
    app.connect("env-purge-doc", forget)
    app.connect("env-merge-info", merge)
    app.connect("build-finished", fail_on_missing)
