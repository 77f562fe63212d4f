"""Core error to answer, as Azure Resource Manager tells them: ``{"error": {"code", "message", …}}``, which the SDK shows as
``(code) message``. Never anything but JSON: the SDK shows the rest as an error of decoding."""

import logging

import msgspec

from regista.dialects.azureml.call import Answer
from regista.errors import ErrorCode, RegistaError

ANSWER: dict[ErrorCode, tuple[int, str]] = {
    ErrorCode.NOT_FOUND: (404, "ResourceNotFound"),
    ErrorCode.ALREADY_EXISTS: (409, "ResourceExists"),
    ErrorCode.CONFLICT: (409, "Conflict"),
    ErrorCode.IN_USE: (409, "InUse"),
    ErrorCode.INVALID: (400, "UserError"),
    ErrorCode.FORBIDDEN: (403, "AuthorizationFailed"),
    ErrorCode.UNAUTHENTICATED: (401, "InvalidAuthenticationToken"),
    ErrorCode.DIGEST_MISMATCH: (400, "DigestMismatch"),
    ErrorCode.UNSUPPORTED: (501, "NotSupported"),
    ErrorCode.TOO_LARGE: (413, "RequestTooLarge"),
    ErrorCode.UNAVAILABLE: (503, "ServiceUnavailable"),
    ErrorCode.STORAGE_FULL: (507, "StorageFull"),
    ErrorCode.INTERNAL: (500, "InternalServerError"),
}
_CHALLENGE = ("www-authenticate", 'Bearer error="invalid_token"')
_log = logging.getLogger("regista.azureml")


def answer(error: Exception, request_id: str) -> Answer:
    """The answer to *error*; what is not an expected failure is logged and told by the request's id alone."""
    if isinstance(error, RegistaError):
        status, code = ANSWER[error.code]
        message = f"{error.message}. {error.hint}" if error.hint else error.message
    else:
        _log.error("request %s failed", request_id, exc_info=error)
        status, code = ANSWER[ErrorCode.INTERNAL]
        message = f"Regista failed at this request; the server's log has it under {request_id}"
    headers = (_CHALLENGE,) if status == 401 else (("retry-after", "1"),) if status == 503 else ()
    return problem(status, code, message, headers)


def problem(status: int, code: str, message: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """An error's answer."""
    return Answer(status, {"error": error_body(code, message)}, headers)


def error_body(code: str, message: str) -> dict[str, object]:
    """What stands under ``error``, also in the answer of a poll."""
    text = message.encode(errors="replace").decode()
    return {"code": code, "message": text, "target": None, "details": [], "additionalInfo": []}


def encoded(answer: Answer) -> bytes:
    """The bytes of an answer's body."""
    if isinstance(answer.body, bytes):
        return answer.body
    return b"" if answer.body is None else msgspec.json.encode(answer.body)
