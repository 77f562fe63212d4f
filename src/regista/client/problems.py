"""Turning what a server, or what stands in its place, answered into our errors.

A Regista server explains a refusal as `application/problem+json` (RFC 9457) with the members type, title, status,
detail, code, hint and request_id. Anything else comes from something that is no Regista server: a balancer, a proxy,
another program on the port.
"""

import re
import ssl
from collections.abc import Iterator

import msgspec

from regista.errors import (
    ERRORS,
    DigestMismatchError,
    ErrorCode,
    InternalError,
    RegistaError,
    UnauthenticatedError,
    UnavailableError,
)

BUSY = frozenset({429, 502, 503, 504})
"""Statuses that say: the same call may work a little later."""


class _Problem(msgspec.Struct):
    code: str
    detail: str = ""
    title: str = ""
    hint: str = ""
    request_id: str = ""


def error_of(url: str, status: int, body: bytes) -> RegistaError:
    """The error that an answer with *status* other than 2xx stands for."""
    try:
        problem = msgspec.json.decode(body, type=_Problem)
        code = ErrorCode(problem.code)
    except (msgspec.MsgspecError, ValueError):
        return _foreign(url, status)
    message = problem.detail or problem.title or f"{url} refused with the status {status}"
    hint = problem.hint
    if code is ErrorCode.INTERNAL and problem.request_id:
        hint = f"The server's log has it under the request {problem.request_id}."
    if code is ErrorCode.DIGEST_MISMATCH:
        return _mismatch(message, hint)
    return ERRORS[code](message, hint=hint)


def mismatch(where: str, expected: str, actual: str) -> DigestMismatchError:
    """A digest mismatch that names the file or the blob which it is about."""
    error = DigestMismatchError(expected, actual)
    error.message = f"{where}: {error.message}"
    error.args = (error.message,)
    return error


def lost(url: str, failure: BaseException) -> UnavailableError:
    """The error for a connection that was refused, cut, too slow or not trusted."""
    import urllib3.exceptions as faults

    causes = list(_causes(failure))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return UnavailableError(
                f"the certificate of {url} is not trusted: {cause.verify_message}",
                hint="Name the file of the authority that signed it (`regista up` makes ca.pem in its folder).",
            )
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return UnavailableError(
            f"no TLS connection to {url} comes about", hint="Does the address begin with https:// ?"
        )
    if any(isinstance(cause, faults.NameResolutionError) for cause in causes):
        return UnavailableError(f"the name of the server in {url} is not known", hint="Is the address spelled right?")
    if any(isinstance(cause, faults.NewConnectionError) for cause in causes):
        return UnavailableError(f"no Regista server answers at {url}", hint="Start one with `regista up`.")
    if any(isinstance(cause, faults.TimeoutError) for cause in causes):
        return UnavailableError(f"{url} does not answer in time", hint="Try again, or look into the server's log.")
    plain = " A server of `regista up` speaks https alone." if url.startswith("http://") else ""
    return UnavailableError(
        f"the connection to {url} broke off", hint=f"Try again: a transfer goes on where it stopped.{plain}"
    )


def untrusted(failure: BaseException) -> bool:
    """Whether the server is not who it should be: no repetition helps."""
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(failure))


def never_sent(failure: BaseException) -> bool:
    """Whether no connection came about, so that the server cannot have done anything."""
    from urllib3.exceptions import ConnectTimeoutError

    return isinstance(failure, ConnectTimeoutError)


def _causes(failure: BaseException | None) -> Iterator[BaseException]:
    """*failure* and what it came from; urllib3 keeps its causes in three places."""
    for _ in range(10):
        if failure is None:
            return
        yield failure
        inner = getattr(failure, "reason", None) or failure.__cause__ or failure.__context__
        if not isinstance(inner, BaseException):
            inner = next((value for value in failure.args if isinstance(value, BaseException)), None)
        failure = inner


def _mismatch(message: str, hint: str) -> DigestMismatchError:
    digests = [*re.findall(r"sha256:[0-9a-f]{64}", message), "", ""]
    error = DigestMismatchError(digests[0], digests[1])
    error.message, error.hint, error.args = message, hint or error.hint, (message,)
    return error


def _foreign(url: str, status: int) -> RegistaError:
    if status in BUSY:
        return UnavailableError(f"{url} is busy or away (status {status})", hint="Try again in a moment.")
    if status == 401:
        return UnauthenticatedError(f"{url} does not accept the key", hint="Is it the key of this installation?")
    if 300 <= status < 400:
        return InternalError(
            f"{url} sends the caller elsewhere (status {status}), which is not followed: the key would go along",
            hint="Use the server's own address.",
        )
    return InternalError(
        f"{url} answers with the status {status} and not as a Regista server does",
        hint="Check that the address is that of a Regista server.",
    )
