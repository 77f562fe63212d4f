"""Which files of a folder stay at home.

Each folder's own `.amlignore` counts, or its `.gitignore` where it has none. The rules are git's (gitignore(5)): the
last line that matches decides, a deeper file outweighs a higher one, and nothing below an ignored folder comes back.
`.git` is never taken: it is no content, and its configuration may hold passwords.
"""

import os
import re
import stat
from collections.abc import Iterable
from typing import NamedTuple

IGNORE_FILES = (".amlignore", ".gitignore")
_MAX_BYTES = 1024 * 1024
_DIRECTORY_END = "(?:(?P<ps_d>/)|$)"


class _Rule(NamedTuple):
    pattern: re.Pattern[str]
    ignores: bool
    folders_only: bool


class Rules:
    """The lines of one ignore file, for paths relative to the folder in which it lies."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._rules = [rule for line in lines if (rule := _rule(line)) is not None]
        # Most names match nothing: one joined expression says so faster than fifty single ones.
        joined = "|".join(f"(?:{rule.pattern.pattern})" for rule in self._rules)
        self._any = re.compile(joined) if joined else None
        self._rules.reverse()

    def ignores(self, path: str, *, folder: bool) -> bool | None:
        """True or False where a line decides about *path*, None where none does."""
        if self._any is None or not self._any.search(path):
            return None
        for rule in self._rules:
            if (folder or not rule.folders_only) and rule.pattern.search(path):
                return rule.ignores
        return None

    def __bool__(self) -> bool:
        return bool(self._rules)


def rules_of(folder: str) -> Rules:
    """The rules that lie in *folder* itself; none where it has no ignore file (a symbolic link is not one, as in git)."""
    for name in IGNORE_FILES:
        try:
            handle = os.open(f"{folder}/{name}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            continue
        with os.fdopen(handle, "rb") as file:
            if stat.S_ISREG(os.fstat(handle).st_mode):
                # Names on disk are bytes: both sides are decoded the same way, so that they still compare.
                return Rules(os.fsdecode(file.read(_MAX_BYTES)).removeprefix("\ufeff").splitlines())
    return Rules(())


def _rule(line: str) -> _Rule | None:
    """The rule that *line* states; None for a comment, an empty line and what git passes over as invalid."""
    from pathspec.patterns.gitignore.base import GitIgnorePatternError
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    text = line if line.endswith("\\ ") else line.rstrip()
    folders_only = text.endswith("/")
    try:
        pattern = GitIgnoreSpecPattern(text.rstrip("/") if folders_only else text)
    except GitIgnorePatternError:
        return None
    if pattern.include is None or pattern.regex is None:
        return None
    # A walk asks about every folder on the way, so a rule must match the path itself and not, as pathspec's do, also
    # everything below: otherwise `/*` would win over `!/src/` for the files in src.
    exact = str(pattern.regex.pattern).replace(_DIRECTORY_END, "$")
    return _Rule(re.compile(exact), bool(pattern.include), folders_only)
