"""What can go wrong, in our words. This module imports nothing and knows no protocol.

    RegistaError
    ├── NotFoundError            there is no such thing, or the caller may not know that there is
    ├── AlreadyExistsError       the name is taken by other content
    ├── ConflictError            the thing changed meanwhile, or its state does not allow this
    ├── InUseError               something reachable still needs it
    ├── InvalidError             the request itself is wrong: a name, a value, a file, a reference
    ├── ForbiddenError           the caller may read it and may not do this
    ├── UnauthenticatedError     no caller, or a key that is wrong, expired or revoked
    ├── DigestMismatchError      bytes that do not hash to the digest they were promised under
    ├── UnsupportedError         a valid wish that this installation cannot fulfil
    ├── TooLargeError            over a stated limit
    ├── UnavailableError         something Regista needs does not answer now; the same call may work later
    ├── StorageFullError         the disk or the quota behind a store or the catalog is full
    └── InternalError            a fault of Regista's own

An error names the thing and, in its hint, the next step. A dialect owns one table from ``ErrorCode`` to its answer,
and ``tests/architecture`` demands that each table answers every code.
"""

from enum import StrEnum


class ErrorCode(StrEnum):
    """What a program acts upon; the message is for people."""

    NOT_FOUND = "not_found"
    ALREADY_EXISTS = "already_exists"
    CONFLICT = "conflict"
    IN_USE = "in_use"
    INVALID = "invalid"
    FORBIDDEN = "forbidden"
    UNAUTHENTICATED = "unauthenticated"
    DIGEST_MISMATCH = "digest_mismatch"
    UNSUPPORTED = "unsupported"
    TOO_LARGE = "too_large"
    UNAVAILABLE = "unavailable"
    STORAGE_FULL = "storage_full"
    INTERNAL = "internal"


class RegistaError(Exception):
    """An expected failure. *message* names the thing, *hint* the next step; neither ever holds a secret."""

    code: ErrorCode = ErrorCode.INTERNAL

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class NotFoundError(RegistaError):
    """There is no such thing, or the caller may not know that there is."""

    code = ErrorCode.NOT_FOUND


class AbsentError(NotFoundError):
    """There is nothing of that kind (*what*) by that name, or no such *version* of it: told apart, for clients that look for
    words of their own."""

    def __init__(self, message: str, *, hint: str = "", what: str = "", name: str = "", version: str = "") -> None:
        super().__init__(message, hint=hint)
        self.what = what
        self.name = name
        self.version = version


class AlreadyExistsError(RegistaError):
    """The name is taken by other content."""

    code = ErrorCode.ALREADY_EXISTS


class ConflictError(RegistaError):
    """The thing changed meanwhile, or its state does not allow this."""

    code = ErrorCode.CONFLICT


class InUseError(RegistaError):
    """Something reachable still needs it."""

    code = ErrorCode.IN_USE


class InvalidError(RegistaError):
    """The request itself is wrong: a name, a value, a file, a reference."""

    code = ErrorCode.INVALID


class ForbiddenError(RegistaError):
    """The caller may read the thing and may not do this with it."""

    code = ErrorCode.FORBIDDEN


class UnauthenticatedError(RegistaError):
    """There is no caller, or its key is wrong, expired or revoked."""

    code = ErrorCode.UNAUTHENTICATED


class DigestMismatchError(RegistaError):
    """The bytes do not hash to the digest they were promised under."""

    code = ErrorCode.DIGEST_MISMATCH

    def __init__(self, expected: str, actual: str) -> None:
        super().__init__(f"expected {expected}, received {actual}", hint="Send the bytes again.")
        self.expected, self.actual = expected, actual


class UnsupportedError(RegistaError):
    """A valid wish that this installation cannot fulfil."""

    code = ErrorCode.UNSUPPORTED


class TooLargeError(RegistaError):
    """Over a stated limit."""

    code = ErrorCode.TOO_LARGE


class UnavailableError(RegistaError):
    """Something Regista needs does not answer now; the same call may work later."""

    code = ErrorCode.UNAVAILABLE


class StorageFullError(RegistaError):
    """The disk or the quota behind a store or the catalog is full."""

    code = ErrorCode.STORAGE_FULL


class InternalError(RegistaError):
    """A fault of Regista's own."""


ERRORS: dict[ErrorCode, type[RegistaError]] = {
    kind.code: kind
    for kind in (
        NotFoundError,
        AlreadyExistsError,
        ConflictError,
        InUseError,
        InvalidError,
        ForbiddenError,
        UnauthenticatedError,
        UnsupportedError,
        TooLargeError,
        UnavailableError,
        StorageFullError,
        InternalError,
    )
}
"""The class for a code, for clients that read a code off the wire (``DigestMismatchError`` carries more and is not in it)."""
