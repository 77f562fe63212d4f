"""Looking at a scoring script without running it: it is somebody else's program."""

import ast
import re
import sys
from collections.abc import Iterator

from regista.entities.environment import EnvironmentSpec
from regista.errors import InvalidError

WANTED = ("init", "run")
MOST_BYTES = 4 << 20

_PYTHON = re.compile(r"python\s*[=~<>!]=?\s*3\.(\d+)")


def check_script(content: bytes, name: str, environment: EnvironmentSpec | None = None) -> None:
    """Raise ``InvalidError`` unless the script *name* can be parsed and has ``init`` and ``run``.

    A syntax newer than this server's own Python is believed where the *environment* asks for a newer one."""
    try:
        tree = ast.parse(content, filename=name)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as wrong:
        if _python_of(environment) > sys.version_info.minor:
            return
        line = getattr(wrong, "lineno", None)
        where = f"{name}, line {line}" if line else name
        raise InvalidError(
            f"{where}: this is not Python: {getattr(wrong, 'msg', None) or wrong}", hint="Correct the scoring script."
        ) from wrong
    names = set(_bound(tree.body))
    missing = [one for one in WANTED if one not in names and "*" not in names]
    if missing:
        raise InvalidError(
            f"{name} has no {' and no '.join(f'{one}()' for one in missing)}",
            hint="A scoring script has init(), called once, and run(data), called for every request.",
        )


def _python_of(environment: EnvironmentSpec | None) -> int:
    """The minor version of Python 3 that an environment asks for, 0 for none."""
    entries = (environment.conda or {}).get("dependencies") if environment else None
    found = [_PYTHON.match(entry) for entry in entries or () if isinstance(entry, str)]
    return max((int(match[1]) for match in found if match), default=0)


def _bound(body: list[ast.stmt]) -> Iterator[str]:
    """The names that stand at the top of a module when it has run; ``*`` for what nobody knows."""
    for node in body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                yield from (one.asname or one.name.partition(".")[0] for one in names)
            case ast.Assign(targets=targets):
                yield from (name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.If() | ast.Try() | ast.With() | ast.For() | ast.While():
                for part in ("body", "orelse", "finalbody"):
                    yield from _bound(getattr(node, part, []))
                for handler in getattr(node, "handlers", []):
                    yield from _bound(handler.body)
