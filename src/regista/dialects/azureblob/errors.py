"""Core error to answer, as clients of the blob protocol know them: a status, and a code in XML and in a header."""

import logging
from xml.sax.saxutils import escape

from regista.errors import ErrorCode, RegistaError
from regista.services.datastores.blocks import UnknownBlockError

ANSWER: dict[ErrorCode, tuple[int, str]] = {
    ErrorCode.NOT_FOUND: (404, "BlobNotFound"),
    ErrorCode.ALREADY_EXISTS: (409, "BlobAlreadyExists"),
    ErrorCode.CONFLICT: (412, "ConditionNotMet"),
    ErrorCode.IN_USE: (409, "OperationNotAllowedInCurrentState"),
    ErrorCode.INVALID: (400, "InvalidInput"),
    ErrorCode.FORBIDDEN: (403, "AuthorizationPermissionMismatch"),
    ErrorCode.UNAUTHENTICATED: (401, "InvalidAuthenticationInfo"),
    ErrorCode.DIGEST_MISMATCH: (400, "Md5Mismatch"),
    ErrorCode.UNSUPPORTED: (501, "NotImplemented"),
    ErrorCode.TOO_LARGE: (413, "RequestBodyTooLarge"),
    ErrorCode.UNAVAILABLE: (503, "ServerBusy"),
    ErrorCode.STORAGE_FULL: (507, "InsufficientStorage"),
    ErrorCode.INTERNAL: (500, "InternalError"),
}

_log = logging.getLogger("regista.azureblob")


class ProtocolError(Exception):
    """A refusal for which the protocol has a word of its own; headers may go with it."""

    def __init__(self, status: int, code: str, message: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers


def protocol_error(error: Exception, request_id: str) -> ProtocolError:
    """What *error* is in the protocol; what is not an expected failure is logged and told by the request's id alone."""
    if isinstance(error, ProtocolError):
        return error
    if isinstance(error, UnknownBlockError):
        return ProtocolError(400, "InvalidBlockList", _told(error))
    if isinstance(error, RegistaError):
        return ProtocolError(*ANSWER[error.code], _told(error))
    _log.error("request %s failed", request_id, exc_info=error)
    text = f"Regista failed at this request; the server's log has it under {request_id}"
    return ProtocolError(*ANSWER[ErrorCode.INTERNAL], text)


def body_of(error: ProtocolError) -> bytes:
    """The XML that tells of it."""
    message = "".join(char if char.isprintable() else "?" for char in error.message[:2000])
    text = f"<?xml version='1.0' encoding='utf-8'?><Error><Code>{error.code}</Code><Message>{escape(message)}</Message></Error>"
    return text.encode(errors="replace")


def _told(error: RegistaError) -> str:
    return f"{error.message}. {error.hint}" if error.hint else error.message
