"""Runs a notebook as it is, cell after cell, and says of each what became of it; ends with an error at the first that fails.

    python _notebook.py NOTEBOOK

Placeholders (``<AML_WORKSPACE_NAME>``) are filled in from the environment. Lines for the shell (``!pip …``) are left out. The
notebook's folder is the working folder, and the first place where Python looks, as Jupyter has it."""

import ast
import json
import os
import re
import sys
import time
import traceback
from pathlib import Path
from typing import Any

FILLED = {
    "SUBSCRIPTION_ID": os.environ["SUBSCRIPTION"],
    "RESOURCE_GROUP": os.environ["RESOURCE_GROUP"],
    "AML_WORKSPACE_NAME": os.environ["WORKSPACE"],
    "WORKSPACE_NAME": os.environ["WORKSPACE"],
    "WORKSPACE_ID": os.environ["WORKSPACE"],
    "REGISTRY_NAME": os.environ["REGISTRY"],
}


def say(text: str) -> None:
    """Tell whoever runs this."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def source(cell: dict[str, Any]) -> str:
    """A cell as Python."""
    lines = "".join(cell["source"]).splitlines()
    text = "\n".join("pass" if line.lstrip().startswith(("!", "%")) else line for line in lines)
    return re.sub(r"<([A-Z_]+)>", lambda found: FILLED.get(found[1], found[0]), text)


def run(text: str, names: dict[str, Any]) -> None:
    """Run a cell, and print what its last expression gives."""
    tree = ast.parse(text)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<cell>", "exec"), names)  # noqa: S102 - this is what a notebook is
    if last is not None:
        value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)  # noqa: S307
        if value is not None:
            say(repr(value))


def main(path: Path) -> int:
    """All cells; the exit status."""
    os.chdir(path.parent)
    sys.path[0] = str(path.parent)
    names: dict[str, Any] = {"__name__": "__main__"}
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(cells, 1):
        begun = time.monotonic()
        try:
            run(source(cell), names)
        except Exception:  # noqa: BLE001 - whatever a cell does wrong is told
            traceback.print_exc()
            say(f"CELL {number} of {len(cells)} FAILED after {time.monotonic() - begun:.1f} s")
            return 1
        say(f"CELL {number} of {len(cells)} done in {time.monotonic() - begun:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
