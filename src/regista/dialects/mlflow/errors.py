"""Core error to answer, as MLflow's clients know them: an HTTP status and ``{"error_code": …, "message": …}``.

The sentences below are part of the protocol: clients and their tests compare them.
"""

import logging

import msgspec

from regista.errors import AbsentError, ErrorCode, InvalidError, RegistaError

ANSWER: dict[ErrorCode, tuple[int, str]] = {
    ErrorCode.NOT_FOUND: (404, "RESOURCE_DOES_NOT_EXIST"),
    ErrorCode.ALREADY_EXISTS: (400, "RESOURCE_ALREADY_EXISTS"),
    ErrorCode.CONFLICT: (409, "RESOURCE_CONFLICT"),
    ErrorCode.IN_USE: (409, "RESOURCE_CONFLICT"),
    ErrorCode.INVALID: (400, "INVALID_PARAMETER_VALUE"),
    ErrorCode.FORBIDDEN: (403, "PERMISSION_DENIED"),
    ErrorCode.UNAUTHENTICATED: (401, "UNAUTHENTICATED"),
    ErrorCode.DIGEST_MISMATCH: (400, "BAD_REQUEST"),
    ErrorCode.UNSUPPORTED: (501, "NOT_IMPLEMENTED"),
    ErrorCode.TOO_LARGE: (400, "INVALID_PARAMETER_VALUE"),
    ErrorCode.UNAVAILABLE: (503, "TEMPORARILY_UNAVAILABLE"),
    ErrorCode.STORAGE_FULL: (429, "RESOURCE_EXHAUSTED"),
    ErrorCode.INTERNAL: (500, "INTERNAL_ERROR"),
}

_SEE = " See the API docs for more information about request parameters."
_MOST_SHOWN = 500
_log = logging.getLogger("regista.mlflow")


class Problem(msgspec.Struct):
    """The body of an error."""

    error_code: str
    message: str


def answer(error: Exception, request_id: str) -> tuple[int, bytes]:
    """Status and body for *error*; what is not an expected failure is logged and told by the request's id alone."""
    if isinstance(error, RegistaError):
        status, code = ANSWER[error.code]
        message = _absent(error) if isinstance(error, AbsentError) else error.message
        text = f"{message}. {error.hint}" if error.hint else message
    else:
        _log.error("request %s failed", request_id, exc_info=error)
        status, code = ANSWER[ErrorCode.INTERNAL]
        text = f"Regista failed at this request; the server's log has it under {request_id}"
    return status, msgspec.json.encode(Problem(code, text.encode(errors="replace").decode()))


_ABSENT = {
    "model": "Registered Model with name={} not found",
    "run": "Run with id={} not found",
    "logged model": "Logged model with ID '{}' not found",
    "experiment": "No Experiment with id={} exists",
    "webhook": "Webhook with ID {} not found",
    "run's tag": "No tag with name: {} in the run",
    "logged model's tag": "No tag with key '{}' in the logged model",
}


def _absent(error: AbsentError) -> str:
    if error.version:
        return f"Model Version (name={error.name}, version={error.version}) not found"
    return _ABSENT[error.what].replace("{}", error.name) if error.what in _ABSENT else error.message


def missing(name: str) -> InvalidError:
    """A parameter that has to be there is not, or is empty."""
    return InvalidError(f"Missing value for required parameter '{name}'.{_SEE}")


def wrong_type(name: str, value: object) -> InvalidError:
    """A parameter has a value of another type than the protocol's."""
    hint = f" Hint: Value was of type '{type(value).__name__}'."
    return InvalidError(f"Invalid value {_shown(value)} for parameter '{name}' supplied: {hint}{_SEE}")


def wrong_value(name: str, value: object, why: str = "") -> InvalidError:
    """A parameter has a value that it cannot have."""
    return InvalidError(f"Invalid value {_shown(value)} for parameter '{name}' supplied{f': {why}' if why else '.'}")


def too_long(name: str, limit: int) -> InvalidError:
    """A parameter's value is over its limit."""
    return InvalidError(f"'{name}' exceeds the maximum length of {limit} characters")


def _shown(value: object) -> str:
    try:
        text = msgspec.json.encode(value).decode()
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError, TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."
