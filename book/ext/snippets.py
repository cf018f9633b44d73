"""A page's own code, run when the book is built, with what it says beneath.

```{run-python}
from mmcourse.storyworld import caption, sample_scene

caption(sample_scene("test", 0))
```
As in a notebook, what is printed is shown, and so is the value of a last line that is an
expression. The snippets of one page share their names. Code that raises stops the build.
"""

import ast
import contextlib
import io
import textwrap

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

WIDTH = 84
"""Characters in a line of output before it is folded."""


def run(code: str, names: dict[str, object]) -> str:
    """What the code prints, then the value of its last line, if that is an expression."""
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(tree, "<page>", "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), "<page>", "eval"), names)
            if value is not None:
                print(value if isinstance(value, str) else repr(value))
    return printed.getvalue().rstrip()


class RunPython(SphinxDirective):
    """A block of code, and a block of what it says."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        code = "\n".join(self.content)
        names = self.env.temp_data.setdefault("run-python", {})
        try:
            said = run(code, names)
        except Exception as error:
            raise self.error(f"this code raised {type(error).__name__}: {error}") from error
        block = nodes.literal_block(code, code, language="python")
        self.set_source_info(block)
        folded = "\n".join(
            part for line in said.splitlines() for part in textwrap.wrap(line, WIDTH) or [""]
        )
        output = nodes.literal_block(folded, folded, language="text", classes=["mm-said"])
        return [block, output] if said else [block]


def setup(app: Sphinx) -> None:
    """Register the directive."""
    app.add_directive("run-python", RunPython)
