"""Words that may not name a module: they say where code was put, not what it is."""

from pathlib import Path

ATTICS = frozenset({"utils", "util", "common", "helpers", "helper", "manager", "managers", "base", "misc"})


def attics(root: Path) -> list[str]:
    """Modules and packages below *root* with such a name, a leading or trailing underscore notwithstanding."""
    paths = (path for path in sorted(root.rglob("*")) if path.suffix == ".py" or path.is_dir())
    return [path.relative_to(root).as_posix() for path in paths if path.stem.strip("_") in ATTICS]
