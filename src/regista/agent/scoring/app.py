"""The worker's paths, as a bare ASGI application: no framework between the socket and the model."""

from __future__ import annotations

import json
import platform
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import azure, examples, invocations, models, oip, wire
from .config import Config
from .engine import Engine
from .faults import BadRequestError, Fault, MethodError, NotServedError, explain
from .logs import log
from .models import Model
from .prediction import Prediction
from .script import Call, Reply, Script

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Receive = Callable[[], Awaitable[dict[str, Any]]]
    Send = Callable[[dict[str, Any]], Awaitable[None]]

_JSON = [("content-type", "application/json")]
_JSON_SENT = (b"content-type", b"application/json")


class App:
    """Answers for one model or script. It is made when that is loaded, so a worker that listens is ready."""

    def __init__(self, config: Config, served: Model | Script) -> None:
        self._config = config
        self._model = served if isinstance(served, Model) else None
        self._script = served if isinstance(served, Script) else None
        batching = config.batching if isinstance(served, Model) else "off"
        call = served.predict if isinstance(served, Model) else served.answer
        self.engine = Engine(
            call,
            concurrent=config.max_concurrent,
            timeout=config.request_timeout_ms / 1000,
            batching=batching,
            max_batch=config.max_batch,
            brief=isinstance(served, Model) and served.brief,
        )
        base = f"/v2/models/{config.name}"
        self._metadata = {base, f"{base}/versions/{config.version}"}
        self._ready = {f"{one}/ready" for one in self._metadata}
        self._infer = {f"{one}/infer" for one in self._metadata}
        sample = models.sample(Path(config.model_dir)) if config.model_dir else None
        self._examples = examples.of(served.signature, sample) if isinstance(served, Model) else {}

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path = scope["path"]
        try:
            body = await _body(receive)
            if body is None:
                return
            reply = await self._reply(scope, path, body)
        except Fault as fault:
            reply = self._refused(path, fault)
        except RecursionError:
            reply = self._refused(path, BadRequestError("the body is nested too deeply"))
        except Exception as error:
            log.error("%s %s: %s\n%s", scope["method"], path, error, traceback.format_exc().rstrip())
            reply = _refusal(path, Fault(explain(error)))
        await _send(send, reply, scope["method"] == "HEAD")

    def _refused(self, path: str, fault: Fault) -> Reply:
        """The answer to a fault; to a body that is wrong with what the model takes, and an example."""
        if fault.status != 400 or self._model is None:
            return _refusal(path, fault)
        expected = self._model.signature.expected() if fault.expected is None else fault.expected
        return _refusal(path, BadRequestError(fault.message, expected=expected), self._examples.get(path))

    async def _reply(self, scope: dict[str, Any], path: str, body: bytes) -> Reply:
        method = scope["method"]
        if path == "/score":
            return await self._score(scope, method, body)
        if path == "/invocations":
            _only(method, "POST", path)
            payload = invocations.read(body, _header(scope, b"content-type"), self._served(path).signature)
            return _json({"predictions": (await self._predict(payload)).values})
        if path in self._infer:
            _only(method, "POST", path)
            return await self._inference(path, body)
        _only(method, "GET", path)
        return self._told(path)

    def _served(self, path: str) -> Model:
        if self._model is None:
            raise NotServedError(f"this deployment runs a scoring script and answers at /score, not at {path[:200]}")
        return self._model

    async def _predict(self, payload: Any) -> Prediction:
        if payload.named is None and not payload.rows:
            return Prediction([], None, 0)
        prediction: Prediction = await self.engine.answer(payload)
        return prediction

    async def _score(self, scope: dict[str, Any], method: str, body: bytes) -> Reply:
        if self._script is None:
            _only(method, "POST", "/score")
            payload = azure.read(body, self._served("/score").signature)
            return _json((await self._predict(payload)).values)
        if self._script.raw is None:
            _only(method, "POST", "/score")
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        call = Call(method, "/score", scope.get("query_string", b"").decode("latin-1"), headers, body)
        reply: Reply = await self.engine.answer(call)
        return reply

    async def _inference(self, path: str, body: bytes) -> Reply:
        model = self._served(path)
        payload, asked = oip.read(body, model.signature)
        outputs = oip.outputs(await self._predict(payload), model.signature)
        told: dict[str, Any] = {
            "model_name": self._config.name,
            "model_version": self._config.version,
            "outputs": outputs,
        }
        if asked is not None:
            told["id"] = asked
        return _json(told)

    def _told(self, path: str) -> Reply:
        name, version = self._config.name, self._config.version
        if path in ("/", "/ping", "/health"):
            return Reply(200, [("content-type", "text/plain")], b"Healthy\n")
        if path == "/version":
            return _json({"name": name, "version": version, "python": platform.python_version()})
        if path == "/v2":
            return _json({"name": name, "version": version, "extensions": []})
        if path == "/v2/health/live":
            return _json({"live": True})
        if path == "/v2/health/ready":
            return _json({"ready": True})
        if path in self._ready:
            return _json({"name": name, "ready": True})
        if path in self._metadata:
            kind = self._model.platform if self._model else "script"
            tensors = oip.metadata(self._model.signature) if self._model else {"inputs": [], "outputs": []}
            return _json({"name": name, "versions": [version], "platform": kind, **tensors})
        raise NotServedError(
            f"nothing is served at {path[:200]}; there are /score, /invocations and /v2/models/{name}/infer"
        )

    async def warm_up(self, folder: Path) -> None:
        """Predict once for the model's own example, so that the first caller does not pay for late imports. An example that
        does not work is worth a line in the log, not a refusal to start."""
        body = models.sample(folder)
        if body is None:
            return
        try:
            await self._predict(invocations.read(body, "application/json", self._served("/invocations").signature))
        except Fault as fault:
            log.warning("the model's serving example does not work: %s", fault.message)


def _only(method: str, wanted: str, path: str) -> None:
    if method != wanted and not (method == "HEAD" and wanted == "GET"):
        raise MethodError(f"{path[:200]} takes {wanted}, not {method[:20]}")


def _header(scope: dict[str, Any], name: bytes) -> str:
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return ""


async def _body(receive: Receive) -> bytes | None:
    """The whole body, or ``None`` when the caller has gone."""
    message = await receive()
    if message["type"] == "http.disconnect":
        return None
    if not message.get("more_body"):
        return bytes(message.get("body", b""))
    parts = [message.get("body", b"")]
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
    return b"".join(parts)


def _json(value: Any, status: int = 200) -> Reply:
    return Reply(status, _JSON, wire.encode(value))


def _refusal(path: str, fault: Fault, example: Any = None) -> Reply:
    """A fault in the words of the protocol that was spoken."""
    told: dict[str, Any]
    if path.startswith("/v2"):
        told = {"error": fault.message}
    elif path == "/invocations":
        told = {"error_code": "BAD_REQUEST" if fault.status == 400 else fault.code, "message": fault.message}
    else:
        told = {"error": {"code": fault.code, "message": fault.message}}
    if fault.expected is not None:
        told["expected"] = fault.expected
    if example is not None:
        told["example"] = example
    return Reply(fault.status, _JSON, json.dumps(told).encode())


def _sent(headers: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers]
    return [pair for pair in pairs if pair[0] not in (b"content-length", b"transfer-encoding", b"connection")]


async def _send(send: Send, reply: Reply, bodiless: bool) -> None:
    headers = [_JSON_SENT] if reply.headers is _JSON else _sent(reply.headers)
    headers.append((b"content-length", b"%d" % len(reply.body)))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if bodiless else reply.body})
