"""Core error to answer: ``application/problem+json`` (RFC 9457) with our ``code``, ``hint`` and the request's id."""

import logging
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException

from regista.dialects.native.wire import Problem
from regista.errors import ErrorCode, InvalidError, RegistaError

ANSWER: dict[ErrorCode, int] = {
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.ALREADY_EXISTS: 409,
    ErrorCode.CONFLICT: 409,
    ErrorCode.IN_USE: 409,
    ErrorCode.INVALID: 400,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.DIGEST_MISMATCH: 400,
    ErrorCode.UNSUPPORTED: 501,
    ErrorCode.TOO_LARGE: 413,
    ErrorCode.UNAVAILABLE: 503,
    ErrorCode.STORAGE_FULL: 507,
    ErrorCode.INTERNAL: 500,
}

_FRAMEWORK = {
    401: ErrorCode.UNAUTHENTICATED,
    403: ErrorCode.FORBIDDEN,
    404: ErrorCode.NOT_FOUND,
    413: ErrorCode.TOO_LARGE,
}
_LONGEST = 2000
"""Characters of a text in an error: what was sent is not sent back."""
_log = logging.getLogger("regista.native")


def refused(request: Request[Any, Any, Any], error: RegistaError) -> Response[Problem]:
    """Answer an expected failure."""
    return _answer(request, ANSWER[error.code], error.code, error.message, error.hint)


def unroutable(request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """Answer what the framework refused: no such route, a body that is not of the schema, and the like."""
    code = _FRAMEWORK.get(error.status_code, ErrorCode.INVALID if error.status_code < 500 else ErrorCode.INTERNAL)
    detail = error.detail
    extra = error.extra if isinstance(error.extra, list) else []
    reasons = "; ".join(
        f"{one.get('key', '')}: {one.get('message', '')}".strip(": ") for one in extra if isinstance(one, dict)
    )
    return _answer(
        request,
        error.status_code,
        code,
        f"{detail}: {reasons}" if reasons else detail,
        "See /api/v1/schema for what is expected.",
    )


def failed(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """Answer a fault of ours: the caller gets the request's id, the log gets the rest.

    What is nested deeper than anything can follow is no fault of ours: it comes from the body alone."""
    if isinstance(error, RecursionError):
        return refused(request, InvalidError("the request is nested too deeply", hint="Nest it less deeply."))
    _log.error("request %s failed", request.scope.get("request_id", ""), exc_info=error)
    return _answer(
        request,
        500,
        ErrorCode.INTERNAL,
        "Regista failed at this request",
        "The server's log has it under the request id.",
    )


def _answer(request: Request[Any, Any, Any], status: int, code: ErrorCode, detail: str, hint: str) -> Response[Problem]:
    problem = Problem(
        type=f"urn:regista:error:{code}",
        title=code.replace("_", " "),
        status=status,
        detail=_cut(detail),
        code=code,
        hint=_cut(hint),
        request_id=str(request.scope.get("request_id", "")),
    )
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {"Retry-After": "1"} if status == 503 else {}
    return Response(problem, status_code=status, media_type="application/problem+json", headers=headers)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
