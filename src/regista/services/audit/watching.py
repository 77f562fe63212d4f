"""A house whose services note in the book of reads what is asked of them: whatever door it was asked through.

The services know nothing of it, and what they call of one another is not noted: only what came in by a request, which is
what has a request's id."""

import inspect
from collections.abc import Callable
from typing import Any

import msgspec

from regista.entities.access import Caller, Principal, PrincipalKind
from regista.errors import ForbiddenError, NotFoundError, UnauthenticatedError
from regista.services.audit.book import AuditBook
from regista.services.audit.reads import ACTS, Act

_REFUSALS = (ForbiddenError, NotFoundError)
_UNKNOWN = Principal(id="", kind=PrincipalKind.USER, name="-")
"""Whoever came with no key that opens anything; no principal can be called so."""


class Watched:
    """Stands for a service: its methods that take a caller first are watched, everything else is the service's own."""

    def __init__(self, service: Any, noun: str, book: AuditBook) -> None:
        self._service = service
        acts = ACTS.get(noun, {})
        for name, function in inspect.getmembers(type(service), inspect.isfunction):
            if _takes_caller(name, function):
                names = list(inspect.signature(function).parameters)[1:]
                act = acts.get(name) or Act(f"{noun}.{name}", read=False)
                setattr(self, name, _watched(getattr(service, name), act, _defaults(function), names, book))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._service, name)


class WatchedAccess(Watched):
    """The same for the place where keys are tried."""

    def __init__(self, access: Any, book: AuditBook) -> None:
        super().__init__(access, "access", book)
        self._book = book

    def authenticate(self, secret: str, *, address: str = "", request_id: str = "", **more: Any) -> Caller:
        """As of the service; a key that opens nothing is noted by where it came from."""
        try:
            caller: Caller = self._service.authenticate(secret, address=address, request_id=request_id, **more)
        except UnauthenticatedError as refused:
            stranger = Caller(principal=_UNKNOWN, address=address, request_id=request_id)
            self._book.saw(stranger, "key.use", None, "/", outcome=refused.code)
            raise
        return caller


def watched(services: msgspec.Struct, book: AuditBook) -> dict[str, Any]:
    """The attributes of the house that are to be replaced, by name."""
    parts = {noun: getattr(services, noun) for noun in services.__struct_fields__}
    found: dict[str, Any] = {
        noun: Watched(part, noun, book) for noun, part in parts.items() if part is not book and _has_callers(part)
    }
    return found | {"access": WatchedAccess(getattr(services, "access"), book)}  # noqa: B009 - House is not known here


def _has_callers(service: object) -> bool:
    """Whether it has a method that takes a caller first: then it is a service that doors ask."""
    return any(
        _takes_caller(name, function) for name, function in inspect.getmembers(type(service), inspect.isfunction)
    )


def _takes_caller(name: str, function: Callable[..., Any]) -> bool:
    return not name.startswith("_") and list(inspect.signature(function).parameters)[1:2] == ["caller"]


def _defaults(function: Callable[..., Any]) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters.values()
    return {one.name: one.default for one in parameters if one.default is not inspect.Parameter.empty}


def _watched(
    method: Callable[..., Any], act: Act, defaults: dict[str, Any], names: list[str], book: AuditBook
) -> Callable[..., Any]:
    def call(caller: Caller, *args: Any, **kwargs: Any) -> Any:
        if not caller.request_id:
            return method(caller, *args, **kwargs)
        try:
            found = method(caller, *args, **kwargs)
        except _REFUSALS as refused:
            if act.read or isinstance(refused, ForbiddenError):
                given = defaults | dict(zip(names[1:], args, strict=False)) | kwargs
                _note(book, caller, act, given, outcome=refused.code, found=None)
            raise
        if act.read:
            given = defaults | dict(zip(names[1:], args, strict=False)) | kwargs
            _note(book, caller, act, given, outcome="done", found=found)
        return found

    return call


def _note(book: AuditBook, caller: Caller, act: Act, given: dict[str, Any], *, outcome: str, found: Any) -> None:
    action = act.named(given)
    for address, tail in act.where(given, found):
        book.saw(caller, action, address, tail, outcome=outcome, sensitive=act.sensitive)
