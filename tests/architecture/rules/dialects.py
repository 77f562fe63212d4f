"""Every dialect has an answer to everything that can go wrong."""

from collections.abc import Mapping
from pathlib import Path

from regista.errors import ErrorCode
from tests.architecture.rules.source import modules

TABLE = "errors.py"


def spoken_dialects(package: Path) -> list[str]:
    """Folders of ``dialects/`` that hold anything beyond an ``__init__``."""
    folders = (path for path in (package / "dialects").iterdir() if path.is_dir())
    return sorted(folder.name for folder in folders if any(not module.is_package for module in modules(folder)))


def dialects_without_table(package: Path) -> list[str]:
    """Spoken dialects that have no ``errors.py``, where their ``ANSWER`` belongs."""
    return [name for name in spoken_dialects(package) if not (package / "dialects" / name / TABLE).is_file()]


def unanswered(table: Mapping[ErrorCode, object]) -> list[str]:
    """The codes that *table* has no answer to, and its keys that are no codes."""
    return sorted(str(code) for code in set(ErrorCode) ^ set(table))
