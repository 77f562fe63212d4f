"""The repository works anywhere: it names no folder of the machine it was written on, no package index but the public one, and
no program that only some machine has."""

import ast
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

WORKPLACE = re.compile(r"(?<![\w.})$*-])/" + r"work/")
"""An absolute path below the folder that this project is developed in; ``x/work/y`` is somebody's own."""

INDEX_HOSTS = frozenset({"pypi.org", "files.pythonhosted.org"})
HOST = re.compile(r"\bhttps?://([^/\s\"']+)")

OURS = frozenset({"uv", "regista", "pytest", "ruff", "mypy"})
"""Programs of the project's own environment, which need not be on the path."""


def tracked_files(root: Path) -> list[Path]:
    """What git knows or would take: everything but what is ignored."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, check=True).stdout
    paths = (root / name for name in listed.decode().split("\0") if name)
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def files_that_name_the_workplace(files: Iterable[Path]) -> list[str]:
    """``path:line`` of each mention; files that are not text are passed over."""
    found = []
    for path in files:
        text = path.read_bytes().decode(errors="replace")
        found += [f"{path}:{number}" for number, line in enumerate(text.splitlines(), 1) if WORKPLACE.search(line)]
    return found


def foreign_index_hosts(lock: str) -> list[str]:
    """Hosts in the text of a lock that not everybody reaches."""
    return sorted(set(HOST.findall(lock)) - INDEX_HOSTS)


def commands_looked_up(files: Iterable[Path]) -> list[str]:
    """``path:line`` of each list that begins with the bare name of a program of ours and goes on: a command line that runs
    whatever the path leads to, or nothing."""
    found = []
    for path in files:
        if path.suffix == ".py":
            lists = (node for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.List))
            found += [f"{path}:{node.lineno}" for node in lists if _looks_up(node)]
    return found


def _looks_up(node: ast.List) -> bool:
    first = node.elts[0] if len(node.elts) > 1 else None
    return isinstance(first, ast.Constant) and first.value in OURS
