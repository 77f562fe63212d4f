"""What the worker refuses, with the status the answer carries. Worker-local, for it runs where Regista is not installed."""

from __future__ import annotations

import re
from typing import Any


class Fault(Exception):  # noqa: N818 - the base; what is raised ends in Error
    """An expected failure. *message* is shown to the caller, so it names no path and no secret."""

    status = 500
    code = "InternalError"

    def __init__(self, message: str, *, expected: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.expected = expected


class BadRequestError(Fault):
    """The body is not what the model can read; *expected* says what it wants."""

    status = 400
    code = "BadRequest"


class NotServedError(Fault):
    """There is nothing at this path, or not in this deployment."""

    status = 404
    code = "NotFound"


class MethodError(Fault):
    """The path exists, the method does not."""

    status = 405
    code = "MethodNotAllowed"


class ModelError(Fault):
    """The model or the script raised; the traceback is in the worker's log only."""

    code = "ModelError"


class OvertimeError(Fault):
    """The prediction took longer than the deployment allows."""

    status = 504
    code = "Timeout"


class StartError(Exception):
    """The worker cannot start: the configuration, the script or the model is wrong."""


_PATH = re.compile(r"(?<![\w/:.])(?:/[^\s/'\"<>:,;()]+){2,}/?|[A-Za-z]:\\[^\s'\"<>]+")


def without_paths(text: str) -> str:
    """*text* with each absolute path cut down to its last part: a caller learns the file's name, not the machine's layout."""
    return _PATH.sub(lambda found: ".../" + re.split(r"[/\\]", found.group().rstrip("/"))[-1], text)


def explain(error: BaseException) -> str:
    """One sentence about *error*, fit for a caller."""
    said = without_paths(str(error)).strip()
    return type(error).__name__ + (": " + said[:2000] if said else "")
