"""What a script says to the SDK, and what became of it: every public method of every collection of ``MLClient`` is watched
while a script runs, and the script's end writes down which of them worked, in a workspace or in a registry.

    from recorder import registry, refused, workspace

    ml = workspace()                        # MLClient(DefaultAzureCredential(), …) of the test's workspace
    ml.models.create_or_update(…)           # is recorded by itself, and so is all that the script calls
    refused("not served", ml.models.x, …)   # has to fail, and to say this

A method *works* when it returned and, where it gave a poller or an iterator, when that was followed to its end. It is
*refused* when the server answered that it does not serve it (501), *the SDK's own* when the SDK would not even ask, *none
there* when nothing but 404 was ever seen of it.
"""

import atexit
import functools
import json
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

from azure.ai.ml import MLClient
from azure.ai.ml.exceptions import MlException
from azure.core.exceptions import HttpResponseError
from azure.core.polling import LROPoller
from azure.identity import DefaultAzureCredential

NAME = os.environ["NAME"]
"""Begins every name that a script gives: others use the same workspace."""

SUBSCRIPTION, GROUP = os.environ["SUBSCRIPTION"], os.environ["RESOURCE_GROUP"]
WORKSPACE, OTHER, REGISTRY = os.environ["WORKSPACE"], os.environ["OTHER"], os.environ["REGISTRY"]
SERVER = os.environ["SERVER"]

_RANK = ("works", "refused", "the SDK's own", "none there", "broken")
_calls: dict[tuple[str, str, str], dict[str, list[str]]] = {}
_inside = threading.local()


def workspace(name: str = WORKSPACE, **options: Any) -> MLClient:
    """A client of a workspace, made as users make it."""
    return MLClient(DefaultAzureCredential(), SUBSCRIPTION, GROUP, name, **options)


def registry(name: str = REGISTRY, **options: Any) -> MLClient:
    """A client of a registry."""
    return MLClient(DefaultAzureCredential(), registry_name=name, **options)


def refused(text: str, call: Callable[..., Any], *arguments: Any, **named: Any) -> Exception:
    """Let *call* fail, with *text* in what it says; what it returns is followed to its end."""
    try:
        found = call(*arguments, **named)
        if isinstance(found, LROPoller):
            found.result()
        elif isinstance(found, Iterator) or hasattr(found, "by_page"):
            list(found)
    except Exception as failure:
        if text.lower() in str(failure).lower():
            return failure
        raise AssertionError(f"{text!r} is not in: {type(failure).__name__}: {failure}") from failure
    raise AssertionError(f"{call} was not refused, but gave {found!r}")


def collections() -> dict[str, type]:
    """The collections of ``MLClient`` by name, and the class of each."""
    import inspect

    import azure.ai.ml.operations as known

    found = {}
    for name, value in inspect.getmembers(MLClient, lambda one: isinstance(one, property)):
        returned = inspect.signature(value.fget).return_annotation
        cls = returned if isinstance(returned, type) else getattr(known, str(returned).strip("'\""), None)
        if cls is not None and cls.__module__.startswith("azure.ai.ml.operations"):
            found[name] = cls
    return found


def methods(cls: type) -> list[str]:
    """What users may call of a collection."""
    return sorted(name for name in dir(cls) if not name.startswith("_") and callable(getattr(cls, name)))


def _note(call: tuple[str, str, str], outcome: str, why: str = "") -> None:
    said = _calls.setdefault(call, {}).setdefault(outcome, [])
    if why and why not in said:
        said.append(why)


def _failed(call: tuple[str, str, str], failure: BaseException) -> None:
    """Only what says that the method is not there is a remark on the method: the other errors are answers."""
    if isinstance(failure, HttpResponseError) and failure.response is not None:
        said = failure.error.message if failure.error else str(failure.message)
        if failure.status_code == 501:
            _note(call, "refused", said)
        elif "Regista serves nothing" in said:
            _note(call, "broken", said)
        elif failure.status_code == 404:
            _note(call, "none there", said)
    elif isinstance(failure, MlException | NotImplementedError):
        _note(call, "the SDK's own", str(failure).strip().splitlines()[0] if str(failure).strip() else "")
    elif isinstance(failure, Exception):
        _note(call, "broken", f"{type(failure).__name__}: {failure}"[:300])


class _Followed:
    """An iterator, of which it is known in the end whether it worked."""

    def __init__(self, inner: Any, call: tuple[str, str, str]) -> None:
        self._inner, self._call = inner, call

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        try:
            return next(self._inner)
        except StopIteration:
            _note(self._call, "works")
            raise
        except Exception as failure:
            _failed(self._call, failure)
            raise


def _followed(result: Any, call: tuple[str, str, str]) -> Any:
    if isinstance(result, LROPoller):
        for name in ("result", "wait"):
            setattr(result, name, _watched(getattr(result, name), lambda: call))
        return result
    if hasattr(result, "__next__"):
        return _Followed(result, call)
    _note(call, "works")
    return result


def _watched(function: Callable[..., Any], named: Callable[..., tuple[str, str, str]]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapped(*arguments: Any, **options: Any) -> Any:
        if getattr(_inside, "call", False):
            return function(*arguments, **options)
        call = named(*arguments[:1])
        _inside.call = True
        try:
            return _followed(function(*arguments, **options), call)
        except BaseException as failure:
            _failed(call, failure)
            raise
        finally:
            _inside.call = False

    return wrapped


def _watch(collection: str, cls: type, method: str) -> None:
    def named(operations: Any) -> tuple[str, str, str]:
        scope = getattr(operations, "_operation_scope", None)
        name = getattr(scope, "registry_name", None) or getattr(operations, "_default_registry_name", None)
        return collection, method, "registry" if name else "workspace"

    setattr(cls, method, _watched(getattr(cls, method), named))


def _write() -> None:
    lines = []
    for (collection, method, scope), said in sorted(_calls.items()):
        outcome = min(said, key=_RANK.index)
        whys = said.get("refused" if outcome == "works" else outcome, [])
        lines.append({"collection": collection, "method": method, "scope": scope, "outcome": outcome, "why": whys})
    with open(os.environ["RECORD"], "w") as file:  # noqa: PTH123 - said in the fewest words
        json.dump({"calls": lines, "methods": _methods}, file, indent=1)


_methods = {name: methods(cls) for name, cls in collections().items()}
for _collection, _class in collections().items():
    for _method in methods(_class):
        _watch(_collection, _class, _method)
if "RECORD" in os.environ:
    atexit.register(_write)
