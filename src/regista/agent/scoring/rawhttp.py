"""``azureml.contrib.services`` for scoring scripts that want the whole request, where that package is not installed.

``@rawhttp`` marks ``run``; it then gets an ``AMLRequest`` and may return an ``AMLResponse``, which is sent as it is. Where the
real package is installed (it brings Flask) its own classes are used. Also importable as
``azureml_inference_server_http.api.aml_request`` and ``aml_response``, the newer name of the same thing.
https://learn.microsoft.com/azure/machine-learning/how-to-deploy-advanced-entry-script"""

from __future__ import annotations

import importlib
import importlib.util
import io
import json
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any, Mapping  # noqa: UP035 - a base class in Python 3.8, which takes only this one's brackets
from urllib.parse import parse_qsl

_MARK = "_regista_rawhttp"
_HOMES = ("azureml.contrib.services", "azureml_inference_server_http.api")


class Headers(Mapping[str, str]):
    """HTTP headers, looked up without regard to case; a name may occur more than once."""

    def __init__(self, pairs: list[tuple[str, str]] | None = None) -> None:
        self._pairs = list(pairs or [])

    def __getitem__(self, name: str) -> str:
        for key, value in self._pairs:
            if key.lower() == name.lower():
                return value
        raise KeyError(name)

    def __setitem__(self, name: str, value: object) -> None:
        self.remove(name)
        self.add_header(name, value)

    def __iter__(self) -> Iterator[str]:
        return iter([key for key, _ in self._pairs])

    def __len__(self) -> int:
        return len(self._pairs)

    def __contains__(self, name: object) -> bool:
        return any(key.lower() == str(name).lower() for key, _ in self._pairs)

    def add_header(self, name: str, value: object) -> None:
        self._pairs.append((name, str(value)))

    def remove(self, name: str) -> None:
        self._pairs = [pair for pair in self._pairs if pair[0].lower() != name.lower()]

    def pairs(self) -> list[tuple[str, str]]:
        return list(self._pairs)


class AMLRequest:
    """The request as Flask would show it: ``method``, ``path``, ``headers``, ``args``, ``data``, ``files``."""

    def __init__(self, method: str, path: str, query: str, headers: list[tuple[str, str]], body: bytes) -> None:
        self.method = method
        self.path = path
        self.query_string = query.encode()
        self.full_path = f"{path}?{query}"
        self.url = self.full_path
        self.headers = Headers(headers)
        self.args = dict(reversed(parse_qsl(query, keep_blank_values=True)))
        self.data = body
        self.stream = io.BytesIO(body)
        self.content_type = self.headers.get("content-type")
        self.content_length = len(body)
        self._files: dict[str, Any] | None = None

    def get_data(self, cache: bool = True, as_text: bool = False, parse_form_data: bool = False) -> Any:  # noqa: ARG002
        return self.data.decode() if as_text else self.data

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:  # noqa: ARG002
        """The JSON body; ``None`` when *silent* and it is none, or when it does not say that it is JSON and *force* is off."""
        if not (force or "json" in (self.content_type or "")):
            return None
        try:
            return json.loads(self.data)
        except ValueError:
            if silent:
                return None
            raise

    @property
    def json(self) -> Any:
        return self.get_json()

    @property
    def is_json(self) -> bool:
        return "json" in (self.content_type or "")

    @property
    def files(self) -> dict[str, UploadedFile]:
        """The files of a ``multipart/form-data`` body by field name."""
        if self._files is None:
            self._files = _files(self.content_type or "", self.data)
        return self._files


class UploadedFile:
    """One file of a form: ``filename``, ``read()``, ``stream``."""

    def __init__(self, filename: str, content: bytes, content_type: str) -> None:
        self.filename = filename
        self.content_type = content_type
        self.stream = io.BytesIO(content)
        self.read = self.stream.read


def _files(content_type: str, body: bytes) -> dict[str, Any]:
    if not content_type.lower().startswith("multipart/form-data"):
        return {}
    import email.policy
    from email.parser import BytesParser

    head = b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n"
    message = BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    found = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        name, filename = part.get_param("name", header="content-disposition"), part.get_filename()
        if name and filename is not None:
            content: Any = part.get_payload(decode=True) or b""
            found[str(name)] = UploadedFile(filename, content, part.get_content_type())
    return found


class AMLResponse:
    """An answer sent as it is; with *json_str* the message is written as JSON."""

    def __init__(
        self,
        message: Any,
        status_code: int,
        response_headers: Mapping[str, str] | None = None,
        json_str: bool = False,
        run_function_failed: bool = False,
    ) -> None:
        self.status_code = int(status_code)
        self.headers = Headers([("x-ms-run-function-failed", str(run_function_failed))])
        if json_str or message is None:
            self.data = json.dumps({} if message is None else message).encode()
            self.headers["Content-Type"] = "application/json"
        else:
            self.data = message if isinstance(message, bytes) else str(message).encode()
            self.headers["Content-Type"] = "text/html; charset=utf-8"
        for name, value in (response_headers or {}).items():
            self.headers[name] = value

    def get_data(self, as_text: bool = False) -> Any:
        return self.data.decode() if as_text else self.data


def rawhttp(function: Callable[..., Any]) -> Callable[..., Any]:
    """Mark ``run`` as wanting the request itself."""
    setattr(function, _MARK, True)
    return function


def install() -> None:
    """Make the imports work where the real packages are absent; what is installed is left alone."""
    for home in _HOMES:
        if not _installed(home):
            _plant(home + ".aml_request", {"AMLRequest": AMLRequest, "rawhttp": rawhttp})
            _plant(home + ".aml_response", {"AMLResponse": AMLResponse})


def wanted(run: Callable[..., Any]) -> type[Any] | None:
    """The request class that *run* asked for with ``@rawhttp``, or ``None``."""
    if getattr(run, _MARK, False):
        return AMLRequest
    for home in _HOMES:
        real = sys.modules.get(home + ".aml_request")
        if real is not None and getattr(real, "_rawHttpRequested", False):
            from flask import Request  # type: ignore[import-not-found,unused-ignore]  # it came with the real package

            return Request  # type: ignore[no-any-return,unused-ignore]
    return None


def flask_request(
    kind: type[Any], method: str, path: str, query: str, headers: list[tuple[str, str]], body: bytes
) -> Any:
    """The same request as Flask's class *kind*."""
    from werkzeug.test import EnvironBuilder

    built = EnvironBuilder(path=path, method=method, query_string=query, headers=headers, data=body)
    return kind(built.get_environ())


def _installed(home: str) -> bool:
    try:
        return importlib.util.find_spec(home + ".aml_request") is not None
    except (ImportError, ValueError):
        return False


def _plant(name: str, names: dict[str, Any]) -> None:
    module = types.ModuleType(name)
    module.__dict__.update(names)
    sys.modules[name] = module
    child = module
    while "." in name:
        name, _, last = name.rpartition(".")
        parent = sys.modules.get(name) or _found(name)
        setattr(parent, last, child)
        child = parent


def _found(name: str) -> types.ModuleType:
    """The installed package *name*, so that ``azureml.core`` stays importable beside ours; or an empty one."""
    try:
        return importlib.import_module(name)
    except ImportError:
        module = types.ModuleType(name)
        module.__path__ = []
        sys.modules[name] = module
        return module
