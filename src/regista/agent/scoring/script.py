"""Azure scoring scripts: ``init()`` once, then ``run(raw)`` for every ``POST /score``.

``run`` gets the body as text, as on Azure; marked with ``@rawhttp`` it gets the request, decorated with
``inference_schema.input_schema`` the JSON object's values by name, and with a parameter ``request_headers`` the headers too.
https://learn.microsoft.com/azure/machine-learning/how-to-deploy-online-endpoints#understand-the-scoring-script"""

from __future__ import annotations

import importlib.util
import inspect
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from . import rawhttp, wire
from .config import Config
from .faults import BadRequestError, StartError


class Call(NamedTuple):
    """One request to a script."""

    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes


class Reply(NamedTuple):
    """What is sent back."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Script:
    """A loaded script, after its ``init()``."""

    def __init__(self, run: Callable[..., Any]) -> None:
        self._run = run
        self.raw = rawhttp.wanted(run)
        self._schema = _is_schema_decorated(run)
        self._with_headers = not self._schema and "request_headers" in _parameters(run)

    def answer(self, call: Call) -> Reply:
        """Run the script once. What it returns is written as JSON, unless it is a response object, which is sent as it is."""
        result = self._returned(call)
        if hasattr(result, "get_data") and hasattr(result, "status_code"):
            pairs = (
                result.headers.pairs() if isinstance(result.headers, rawhttp.Headers) else list(result.headers.items())
            )
            return Reply(int(result.status_code), pairs, result.get_data())
        return Reply(200, [("content-type", "application/json")], wire.encode(result))

    def _returned(self, call: Call) -> Any:
        if self.raw is rawhttp.AMLRequest:
            return self._run(rawhttp.AMLRequest(*call))
        if self.raw is not None:
            return self._run(rawhttp.flask_request(self.raw, *call))
        if self._schema:
            return self._run(**self._values(call.body))
        try:
            text = call.body.decode()
        except UnicodeDecodeError as error:
            raise BadRequestError("the body is not UTF-8 text; a script that wants bytes declares @rawhttp") from error
        extra = {"request_headers": dict(call.headers)} if self._with_headers else {}
        try:
            return self._run(text, **extra)
        except json.JSONDecodeError as error:
            _blame(text, error)
            raise

    def _values(self, body: bytes) -> dict[str, Any]:
        said = wire.decode(body)
        names = _parameters(self._run)
        if not isinstance(said, dict):
            raise BadRequestError("the body is not a JSON object", expected=list(names))
        missing = [name for name, one in names.items() if one.default is one.empty and name not in said]
        unknown = sorted(set(said) - set(names))
        if missing or unknown:
            told = "; ".join(
                f"{word}: {', '.join(some)}" for word, some in (("missing", missing), ("unknown", unknown)) if some
            )
            raise BadRequestError(told[:400], expected=list(names))
        return said


def load(config: Config) -> Script:
    """Import the script and call its ``init()``. Raise ``StartError`` if there is no ``run``; what the script itself raises
    is passed on, for its traceback belongs into the log."""
    base = Path(config.code_dir or ".")
    path = (base / str(config.scoring_script)).resolve()
    if not path.is_file():
        raise StartError(f"the scoring script {config.scoring_script} does not exist")
    for folder in dict.fromkeys((str(base.resolve()), str(path.parent))):
        if config.code_dir is not None or folder == str(path.parent):
            sys.path.insert(0, folder)
    os.environ["AML_APP_ROOT"] = str(base.resolve())
    os.environ["AZUREML_ENTRY_SCRIPT"] = path.name
    rawhttp.install()
    module = _imported(path)
    run, init = getattr(module, "run", None), getattr(module, "init", None)
    if not callable(run):
        raise StartError(f"the scoring script {path.name} has no run()")
    if callable(init):
        init()
    return Script(run)


def _imported(path: Path) -> Any:
    name = path.stem if path.stem.isidentifier() and path.stem not in sys.modules else "azureml_user_script"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise StartError(f"the scoring script {path.name} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _parameters(run: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(run).parameters)
    except (TypeError, ValueError):
        return {}


def _is_schema_decorated(run: Callable[..., Any]) -> bool:
    util = sys.modules.get("inference_schema.schema_util")
    try:
        return util is not None and bool(util.is_schema_decorated(run))
    except Exception:
        return False


def _blame(text: str, error: json.JSONDecodeError) -> None:
    """A script that parses a body which is no JSON is not at fault: the caller is."""
    try:
        json.loads(text)
    except ValueError:
        raise BadRequestError(f"the body is not JSON: {error}") from error
