"""Asking a running MLflow server: nothing but what reads, with retries, and of that server alone.

Credentials come from the environment as for MLflow's own client (MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and
MLFLOW_TRACKING_PASSWORD; MLFLOW_TRACKING_SERVER_CERT_PATH for the authority of a certificate). A redirect is not followed.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

from regista.client.tls import checked_url, tls_context
from regista.errors import InvalidError, NotFoundError, UnavailableError

Json = dict[str, Any]

V2, V3 = "/api/2.0/mlflow", "/api/3.0/mlflow"
CHUNK = 1 << 20
BROKEN = (KeyError, ValueError, TypeError, AttributeError, msgspec.MsgspecError)
"""What a record raises that does not have the shape that it should have."""
LARGEST = 1.7976931348623157e308
_WORDS = {"NaN": math.nan, "Infinity": LARGEST, "-Infinity": -LARGEST}
_BUSY = (408, 429, 500, 502, 503, 504)


class MlflowApi:
    """The server's API. Safe for threads."""

    def __init__(self, url: str, environment: Mapping[str, str], workspace: str = "") -> None:
        import urllib3
        from urllib3.util import Retry, make_headers, parse_url

        bare = not any(environment.get(name) for name in ("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME"))
        # Without credentials there is nothing to be overheard that the server does not tell everybody.
        parts = parse_url(url) if bare and url.startswith("http://") and "@" not in url else checked_url(url)
        self.name = parts.url.rstrip("/")
        self.base = (parts.path or "").rstrip("/")
        self._headers = {"User-Agent": "regista-import", "Accept-Encoding": "identity"}
        if token := environment.get("MLFLOW_TRACKING_TOKEN"):
            self._headers["Authorization"] = f"Bearer {token}"
        elif user := environment.get("MLFLOW_TRACKING_USERNAME"):
            password = environment.get("MLFLOW_TRACKING_PASSWORD", "")
            self._headers |= make_headers(basic_auth=f"{user}:{password}")
        if workspace:
            self._headers["X-MLFLOW-WORKSPACE"] = workspace
        certificate = environment.get("MLFLOW_TRACKING_SERVER_CERT_PATH", "")
        options: Json = {}
        if parts.scheme == "https":
            options["ssl_context"] = tls_context(Path(certificate) if certificate else None)
        # What is asked by POST here only searches.
        self._retries = Retry(
            5, redirect=0, backoff_factor=0.5, status_forcelist=_BUSY, allowed_methods=None, raise_on_status=False
        )
        self._pool = urllib3.connection_from_url(self.name, maxsize=8, **options)

    @property
    def host(self) -> str:
        """The server's name and port."""
        return urlsplit(self.name).netloc

    def pages(self, name: str, field: str, asked: Json, *, get: bool = False, api: str = V2) -> Iterator[Json]:
        """What all pages hold in *field*, one by one."""
        token = ""
        while True:
            given = asked | ({"page_token": token} if token else {})
            page = self.get(name, given, api) if get else self.post(name, given, api)
            for one in page.get(field, ()):
                if isinstance(one, dict):
                    yield one
            token = further(page, token)
            if not token:
                return

    def get(self, name: str, asked: Json, api: str = V2) -> Json:
        """What a ``GET`` answers."""
        return self.json("GET", f"{api}/{name}", asked)

    def post(self, name: str, asked: Json, api: str = V2) -> Json:
        """What a ``POST`` answers, which here only searches."""
        return self.json("POST", f"{api}/{name}", None, msgspec.json.encode(asked))

    def json(self, method: str, path: str, query: Json | None, body: bytes | None = None) -> Json:
        """The object that is answered; raise ``UnavailableError`` for anything else."""
        target = path + (f"?{urlencode(query, doseq=True)}" if query else "")
        response = self._answer(method, target, body)
        try:
            found = msgspec.json.decode(_bare(response.data))
        except (msgspec.MsgspecError, UnicodeDecodeError) as wrong:
            raise UnavailableError(f"{self.name} answered {path} with something else than JSON") from wrong
        if not isinstance(found, dict):
            raise UnavailableError(f"{self.name} answered {path} with something else than was asked for")
        return found

    def content(self, target: str) -> Iterator[bytes]:
        """The bytes that are answered."""
        with closing(self._answer("GET", target, None, preload=False)) as response:
            yield from response.stream(CHUNK)

    def measured(self, target: str, most: int) -> tuple[int, bytes | None]:
        """How many bytes are answered, and these themselves where they are *most* at most."""
        with closing(self._answer("GET", target, None, preload=False)) as response:
            told = response.headers.get("Content-Length", "")
            size = int(told) if told.isdigit() else -1
            if 0 <= size <= most:
                return size, response.read()
            return (size, None) if size > most else (sum(map(len, response.stream(CHUNK))), None)

    def _answer(self, method: str, target: str, body: bytes | None, *, preload: bool = True) -> Any:
        import urllib3

        headers = self._headers | ({"Content-Type": "application/json"} if body is not None else {})
        try:
            response = self._pool.urlopen(
                method, self.base + target, body=body, headers=headers, retries=self._retries, redirect=False,
                assert_same_host=False, preload_content=preload, timeout=urllib3.Timeout(connect=10, read=120),
            )  # fmt: skip
        except urllib3.exceptions.HTTPError as failure:
            raise UnavailableError(f"{self.name} cannot be reached: {str(failure)[:200]}") from failure
        if response.status == 200:
            return response
        told = (
            response.read(2000, decode_content=False).decode(errors="replace")
            if not preload
            else response.data.decode(errors="replace")
        )
        response.close()
        words = f"{self.name} answered {target.partition('?')[0]} with {response.status}: {told[:300]}"
        if response.status in {401, 403}:
            hint = "Set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD."
            raise UnavailableError(words, hint=hint)
        if response.status == 404:
            raise NotFoundError(words)
        if response.status >= 500 or response.status < 400:
            raise UnavailableError(words)
        raise InvalidError(words)


def _bare(content: bytes) -> bytes:
    """JSON without the bare words for what is no number, which JSON does not know."""
    if b"NaN" not in content and b"Infinity" not in content:
        return content
    import json

    return msgspec.json.encode(json.loads(content, parse_constant=lambda word: word))


def further(page: Json, token: str) -> str:
    """The token of the next page; one that was given already would go round in a circle."""
    following = str(page.get("next_page_token") or "")
    return following if following != token else ""


def pairs(given: Any) -> dict[str, str]:
    """Key and value, as they are listed."""
    return {str(one["key"]): str(one.get("value") or "") for one in given or ()}


def number(given: Any) -> float:
    """A number, or one of the words for what is none."""
    return _WORDS[given] if given in _WORDS else float(given)
