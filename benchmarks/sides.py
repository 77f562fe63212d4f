"""A tracking server that is measured: spoken to as MLflow's client does, filled through its database, watched for its CPU time."""

import http.client
import json
import re
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import psutil

from benchmarks import filling
from benchmarks.load import growing, load
from benchmarks.places import Served, memory, mlflow, regista
from regista.client import connect

_API = "/api/2.0/mlflow"
_FILES = "/api/2.0/mlflow-artifacts/artifacts"
_PATIENCE = 1.5
"""Seconds after which an answer to each of the clients is enough."""
LIMIT = 60
"""Seconds after which nobody waits for an answer any more."""


class Ask(NamedTuple):
    """A request; ``@N@`` in its body is a number that grows."""

    method: str
    path: str
    body: str = ""

    @classmethod
    def get(cls, path: str, **query: Any) -> "Ask":
        """A question of the API."""
        words = "&".join(f"{name}={quote(str(value))}" for name, value in query.items())
        return cls("GET", f"{_API}{path}?{words}")

    @classmethod
    def post(cls, path: str, **fields: Any) -> "Ask":
        """A command of the API; the value ``@N@`` becomes a number."""
        return cls("POST", _API + path, json.dumps(fields).replace('"@N@"', "@N@"))


class Rate(NamedTuple):
    """Answers a second, and the CPU time that one took of the server and of its database, in milliseconds.

    ``late``: some did not come within ``LIMIT``, so that the rate is no more than that, and the time no less. ``failed`` were
    errors."""

    each_second: float
    cpu: float
    late: bool = False
    failed: int = 0


class Side:
    """One server. ``artifacts`` is the path of a folder of its artifacts, below the address for files."""

    def __init__(self, served: Served, database: str, others: tuple[int, ...], prefix: str, key: str) -> None:
        self.served, self.database = served, database
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._prefix = prefix
        self._others = others
        self.artifacts = "" if key else "/0/bench"
        self.ids: dict[str, str] = {}

    @property
    def is_regista(self) -> bool:
        """Whether it is ours."""
        return bool(self.headers)

    def call(self, path: str, **fields: Any) -> dict[str, Any]:
        """A command, and what is said to it."""
        said: dict[str, Any] = json.loads(self._once(Ask.post(path, **fields))) if fields else {}
        return said

    def rate(self, ask: Ask, clients: int, seconds: float) -> Rate:
        """How often *ask* is answered: asked for *seconds*, or of slow answers a few. Errors of the peer are counted, ours
        raised."""
        with self.working() as cpu:
            took = self._timed(ask)
            if took is None:
                return self._late(0, cpu())
        with self.working() as cpu:
            if took * clients > _PATIENCE:  # each waits for all
                return self._few(ask, clients, cpu)
            found = load(
                self.served.url + self._prefix + ask.path,
                method=ask.method,
                bodies=[ask.body] if ask.body else None,
                headers=self.headers | ({} if ask.method != "PUT" else {"Content-Type": "application/octet-stream"}),
                clients=clients,
                seconds=max(seconds, 4 * took * clients),  # each may wait for all
                lenient=not self.is_regista,
            )
        if not found.answers:
            raise RuntimeError("no answer came in time")
        return Rate(found.rate, cpu() / found.answers * 1000, failed=found.failed)

    def _few(self, ask: Ask, clients: int, cpu: Callable[[], float]) -> Rate:
        """One answer for each of *clients*, who ask at the same time."""
        start = time.perf_counter()
        with ThreadPoolExecutor(clients) as threads:
            answers = sum(took is not None for took in threads.map(lambda _: self._timed(ask), range(clients)))
        if answers < clients:
            return self._late(answers, cpu())
        return Rate(clients / (time.perf_counter() - start), cpu() / clients * 1000)

    def _timed(self, ask: Ask) -> float | None:
        """The seconds until *ask* was answered; None when they were too many."""
        start = time.perf_counter()
        try:
            self._once(ask)
        except TimeoutError:
            return None
        return time.perf_counter() - start

    def _late(self, answers: int, cpu: float) -> Rate:
        """So many answers came in time. The server begins anew: it would still be busy with the others."""
        self.served.restart()
        count = max(answers, 1)
        return Rate(count / LIMIT, cpu / count * 1000, late=True)

    def walk(self, ask: Ask) -> Rate:
        """How often all pages of a list can be read."""
        with self.working() as cpu:
            start, token = time.perf_counter(), ""
            while True:
                page = self._once(ask._replace(path=f"{ask.path}&page_token={token}") if token else ask)
                found = re.search(rb'"next_page_token":\s*"([^"]+)"', page[-2000:]) or re.search(
                    rb'"next_page_token":\s*"([^"]+)"', page[:2000]
                )
                if not found:
                    break
                token = quote(found[1].decode())
            took = time.perf_counter() - start
        return Rate(1 / took, cpu() * 1000)

    def carry(self, path: str, size: int, *, up: bool, clients: int) -> Rate:
        """How many files of *size* bytes go up or come down a second, each client its own."""
        content = memoryview(bytes(size))

        def one(number: int) -> None:
            with self._connection() as connection:
                place = f"{self._prefix}{_FILES}{path}{number}"
                connection.request("PUT" if up else "GET", place, content if up else None, self.headers)
                answer = connection.getresponse()
                while answer.read(1 << 20):
                    pass
                if answer.status != 200:
                    raise RuntimeError(f"{path}: {answer.status}")

        with self.working() as cpu:
            start = time.perf_counter()
            with ThreadPoolExecutor(clients) as threads:
                list(threads.map(one, range(clients)))
            took = time.perf_counter() - start
        return Rate(clients / took, cpu() / clients * 1000)

    def file(self, method: str, name: str, body: str = "") -> Ask:
        """A request about a small file."""
        return Ask(method, f"{_FILES}{self.artifacts}/{name}", body)

    def memory(self) -> float:
        """Megabytes that the server holds, without its database."""
        return memory(self.served.pid)

    def _once(self, ask: Ask) -> bytes:
        with self._connection() as connection:
            body = ask.body.replace("@N@", str(growing())) or None
            kind = "application/octet-stream" if ask.method == "PUT" else "application/json"
            connection.request(ask.method, self._prefix + ask.path, body, {"Content-Type": kind, **self.headers})
            answer = connection.getresponse()
            said = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{ask.method} {ask.path}: {answer.status} {said[:500]!r}")
        return said

    @contextmanager
    def _connection(self) -> Iterator[http.client.HTTPConnection]:
        parts = urlsplit(self.served.url)
        context = ssl._create_unverified_context()  # noqa: S323, SLF001 - loopback, and only here
        connection = (
            http.client.HTTPSConnection(parts.netloc, timeout=LIMIT, context=context)
            if parts.scheme == "https"
            else http.client.HTTPConnection(parts.netloc, timeout=LIMIT)
        )
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def working(self) -> Iterator[Callable[[], float]]:
        """Gives what tells, afterwards, the seconds of CPU time that the server and its database took."""
        before = self._cpu()
        yield lambda: self._cpu() - before

    def _cpu(self) -> float:
        total = 0.0
        for pid in (self.served.pid, *self._others):
            root = psutil.Process(pid)
            for process in (root, *root.children(recursive=True)):
                try:
                    times = process.cpu_times()
                except psutil.NoSuchProcess:
                    continue
                total += times.user + times.system
        return total


@contextmanager
def ours(folder: Path, database: str = "", *others: int) -> Iterator[Side]:
    """Regista with a workspace; *database* is an address of PostgreSQL (default: SQLite), *others* whose CPU time counts too."""
    catalog = ["--catalog", database.replace("postgresql://", "postgresql+psycopg://")] if database else []
    with regista(folder, "--workers", "0", *catalog) as served:
        key = (folder / "keys" / "owner.key").read_text().strip()
        connect(served.url, key=key, ca=folder / "tls" / "ca.pem").workspaces.create(name="bench")
        yield Side(served, database or str(folder / "catalog.sqlite"), others, "/mlflow/workspaces/bench", key)


@contextmanager
def theirs(folder: Path, database: str = "", *others: int, workers: int = 0) -> Iterator[Side]:
    """MLflow's own server; *workers* 0 is its default."""
    options = ["--workers", str(workers)] if workers else []
    address = database.replace("postgresql://", "postgresql+psycopg2://")
    with mlflow(folder, *options, database=address) as served:
        yield Side(served, database or str(folder / "mlflow.db"), others, "", "")


def stock(side: Side, name: str, count: int) -> str:
    """Make an experiment with *count* runs, and return its number."""
    number: str = side.call("/experiments/create", name=name)["experiment_id"]
    if side.is_regista:
        scope = filling.look(side.database, "SELECT id FROM scopes WHERE name = 'bench'")
        first = 1 + max(
            filling.look(side.database, f"SELECT coalesce(max(seq), 0) FROM {table}")  # noqa: S608
            for table in ("jobs", "metrics")
        )
        rows = filling.runs_of_regista(scope, int(number), count, first)
    else:
        rows = filling.runs_of_mlflow(int(number), count)
    filling.fill(side.database, filling.together(rows))
    return number
