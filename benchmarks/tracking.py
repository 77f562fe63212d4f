"""Tracking and the registry over MLflow's own protocol: our door beside `mlflow server`, alternating, with 1 and 8 clients.

Twice: both on SQLite, MLflow's server as it starts by default; and both on one PostgreSQL, MLflow's server with as many workers
as there are clients. REGISTA_BENCH_RUNS and REGISTA_BENCH_POINTS say how much there is to search and to read; `--write`
measures with a million of each. Beside each rate stands the CPU time that an answer took of the server and of its database.
"""

import http.client
import os
import statistics
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks import bare_batches, filling
from benchmarks.sides import LIMIT, Ask, Rate, Side, ours, stock, theirs
from benchmarks.table import Row, compared, not_measured, show
from tests.support.postgres import running_postgres

SMALL = 10_000
RUNS = int(os.environ.get("REGISTA_BENCH_RUNS") or SMALL)
POINTS = int(os.environ.get("REGISTA_BENCH_POINTS") or 100_000)
VERSIONS = 10_000
_FILE = 64 * 1024 * 1024
_CLIENTS = (1, 8)
_ROUNDS = 2
_SECONDS = 2
_SLOW = 5
"""Seconds for an answer after which a second round is not worth the wait."""
_POSTGRES = {
    "max_connections": "200",
    "shared_buffers": "512MB",
    "timezone": "UTC",
    "client_connection_check_interval": "1s",
}
"""As it comes, but for a cache that suits a server, and that it gives up what nobody waits for: durable, with its cleaning."""


class Figure(NamedTuple):
    """Something that is measured of a side with so many clients; ``least`` is the ratio promised for 8 of them."""

    what: str
    measure: Callable[[Side, int], Rate]
    least: float | None = None
    clients: tuple[int, ...] = _CLIENTS
    database: str = ""
    """The only one on which it means something."""


def rows(folder: Path) -> list[Row]:
    """Each figure of both, and their ratio."""
    found: list[Row] = []
    with ours(folder / "home") as one, theirs(folder / "mlflow") as other:
        found += _compare(one, other, "SQLite")
    with running_postgres(_POSTGRES) as server:
        names = [server.create_database() for _ in range(2)]
        urls = [f"postgresql://postgres@127.0.0.1:{server.port}/{name}" for name in names]
        pid = server.process.pid
        with (
            ours(folder / "home-postgres", urls[0], pid) as one,
            theirs(folder / "mlflow-postgres", urls[1], pid, workers=max(_CLIENTS)) as other,
        ):
            found += _compare(one, other, "PostgreSQL")
    return found


def _compare(one: Side, other: Side, database: str) -> list[Row]:
    for side in (one, other):
        _furnish(side)
    found = []
    for figure in _figures():
        for clients in figure.clients if figure.database in {"", database} else ():
            rates: dict[Side, list[Rate]] = {one: [], other: []}
            what = f"{figure.what}, {_told(clients)}, {database}"
            try:
                for _ in range(_ROUNDS):
                    for side, measured in rates.items():
                        if not measured or measured[-1].each_second > clients / _SLOW:
                            measured.append(figure.measure(side, clients))
            except (RuntimeError, OSError, http.client.HTTPException, subprocess.CalledProcessError) as fault:
                found.append(not_measured(what, fault))  # the others, an hour's work, are worth having
                print(f"  NOT MEASURED: {what}: {fault}", flush=True)
                continue
            found.append(_row(what, rates[one], rates[other], figure, clients))
            print(f"  {found[-1].what}: {found[-1].ours} beside {found[-1].peer}", flush=True)
    note = "after all of this, with its workers, without the database"
    return [*found, compared(f"memory, {database}", one.memory(), other.memory(), "MB", higher=False, note=note)]


def _told(clients: int) -> str:
    return "1 client" if clients == 1 else f"{clients} clients"


def _row(what: str, ours: list[Rate], theirs: list[Rate], figure: Figure, clients: int) -> Row:
    rates = [statistics.median(rate.each_second for rate in side) for side in (ours, theirs)]
    least = figure.least if clients == max(_CLIENTS) else None
    row = compared(what, rates[0], rates[1], "/s", least=least, note=_remark(theirs))
    told = [_spent(text, side) for text, side in zip((row.ours, row.peer), (ours, theirs), strict=True)]
    return msgspec.structs.replace(row, ours=told[0], peer=told[1])


def _spent(text: str, side: list[Rate]) -> str:
    """The rate, and the CPU time of an answer: as far as it is known, where nobody waited any longer."""
    cpu = show(statistics.median(rate.cpu for rate in side), "ms")
    return f"< {text} (> {cpu} CPU)" if any(rate.late for rate in side) else f"{text} ({cpu} CPU)"


def _remark(theirs: list[Rate]) -> str:
    if any(rate.late for rate in theirs):
        return f"MLflow's server gave no answer within {LIMIT} s: the ratio is greater than that"
    failed = sum(rate.failed for rate in theirs)
    return f"{failed} answers of MLflow's server were errors, and are not counted" if failed else ""


def _furnish(side: Side) -> None:
    """Make what is asked for later. What is large goes straight into the database."""
    ids = side.ids
    ids["experiment"] = side.call("/experiments/create", name="bench")["experiment_id"]
    for name in ("run", "logged", "long"):
        made = side.call("/runs/create", experiment_id=ids["experiment"], start_time=1)
        ids[name] = made["run"]["info"]["run_id"]
        if side.is_regista:
            side.artifacts = f"/runs/{ids['run']}"
    side.call(
        "/runs/log-batch",
        run_id=ids["run"],
        metrics=[{"key": f"m{n}", "value": n, "timestamp": 1, "step": 0} for n in range(10)],
        params=[{"key": f"p{n}", "value": "1"} for n in range(10)],
        tags=[{"key": f"t{n}", "value": "1"} for n in range(10)],
    )
    side.call("/runs/log-metric", run_id=ids["long"], key="loss", value=1.0, timestamp=filling.START, step=0)
    for name, count in {"small": SMALL, "large": RUNS}.items():
        ids[name] = stock(side, name, count) if name == "small" or count > SMALL else ids["small"]
    side.call("/registered-models/create", name="many")
    if side.is_regista:
        scope = filling.look(side.database, "SELECT id FROM scopes WHERE name = 'bench'")
        series = filling.look(side.database, "SELECT seq FROM metrics WHERE key = 'loss'")
        versions = filling.versions_of_regista(scope, "many", VERSIONS, 1)
        points = filling.points_of_regista(series, POINTS)
    else:
        versions = filling.versions_of_mlflow("many", VERSIONS)
        points = filling.points_of_mlflow(ids["long"], "loss", POINTS)
    for made_up in (versions, points):
        filling.fill(side.database, filling.together(made_up))
    filling.settle(side.database, *(("jobs", "metrics", "versions") if side.is_regista else ()))
    side.call("/registered-models/alias", name="many", alias="champion", version="5000")


def _asked(ask: Callable[[Side], Ask]) -> Callable[[Side, int], Rate]:
    return lambda side, clients: side.rate(ask(side), clients, _SECONDS)


def _figures() -> Iterator[Figure]:
    yield from _writes()
    yield Figure("get a run", _asked(lambda side: Ask.get("/runs/get", run_id=side.ids["run"])), 30)
    alias = Ask.get("/registered-models/alias", name="many", alias="champion")
    yield Figure("get a version by alias", _asked(lambda _: alias), 30)
    yield from _searches()
    yield from _histories()
    yield from _artifacts()


def _writes() -> Iterator[Figure]:
    yield Figure(
        "create a run",
        _asked(lambda side: Ask.post("/runs/create", experiment_id=side.ids["experiment"], start_time="@N@")),
    )
    one = {"key": "loss", "value": 0.5, "timestamp": "@N@", "step": 0}
    yield Figure(
        "log one metric", _asked(lambda side: Ask.post("/runs/log-metric", run_id=side.ids["logged"], **one)), 30
    )
    for size, least in ((100, None), (1000, 40)):
        many = [{"key": f"m{n}", "value": n, "timestamp": "@N@", "step": n} for n in range(size)]
        yield Figure(
            f"log a batch of {size:,} metrics",
            _asked(lambda side, many=many: Ask.post("/runs/log-batch", run_id=side.ids["logged"], metrics=many)),  # type: ignore[misc]
            least,
        )
    for together in (4, 8):
        yield Figure(
            f"the same, a bare program that has {together} batches packed for each transaction",
            lambda side, clients, together=together: _bare(side, clients, together, many),  # type: ignore[misc]
            clients=(8,),
            database="PostgreSQL",
        )


def _bare(side: Side, clients: int, together: int, many: list[dict[str, object]]) -> Rate:
    """What can be had of our tables; of MLflow's server what it does."""
    if not side.is_regista:
        return side.rate(Ask.post("/runs/log-batch", run_id=side.ids["logged"], metrics=many), clients, _SECONDS)
    return Rate(*bare_batches.rate(side.database, side.ids["logged"], together, side.working))


def _searches() -> Iterator[Figure]:
    def search(name: str, text: str, *order: str, most: int = 100) -> Callable[[Side, int], Rate]:
        return _asked(
            lambda side: Ask.post(
                "/runs/search", experiment_ids=[side.ids[name]], filter=text, order_by=order, max_results=most
            )
        )

    wanted = "metrics.acc > 0.5 and tags.team = 't3'"
    yield Figure(f"search {SMALL:,} runs by metric and tag", search("small", wanted), 20)
    best = f"the best 10 of {RUNS:,} runs with a tag"
    if RUNS > SMALL:
        yield Figure(f"search {RUNS:,} runs by metric and tag", search("large", wanted), 20)
        few = "metrics.acc > 0.9999 and tags.team = 't3'"
        yield Figure(f"search {RUNS:,} runs by a rare metric and a tag", search("large", few))
        yield Figure(f"search {RUNS:,} runs by a rare metric", search("large", "metrics.acc > 0.9999"))
    yield Figure(best, search("large", "tags.team = 't3'", "metrics.acc DESC", most=10))
    for what, text in (("", "name = 'many'"), (" by tag", "name = 'many' and tags.team = 't3'")):
        ask = Ask.get("/model-versions/search", filter=text, max_results=100)
        yield Figure(f"search {VERSIONS:,} versions{what}", _asked(lambda _, ask=ask: ask))  # type: ignore[misc]


def _histories() -> Iterator[Figure]:
    def history(side: Side) -> Ask:
        return Ask.get("/metrics/get-history", run_id=side.ids["long"], metric_key="loss", max_results=25_000)

    yield Figure(f"history of {POINTS:,} points, all pages", lambda side, _: side.walk(history(side)), clients=(1,))
    yield Figure("history, a page of 25,000 points", _asked(history))
    yield Figure(
        f"plot of {POINTS:,} points",
        _asked(
            lambda side: Ask.get(
                "/metrics/get-history-bulk-interval", run_ids=side.ids["long"], metric_key="loss", max_results=1000
            )
        ),
    )


def _artifacts() -> Iterator[Figure]:
    text = "x" * 10_000
    yield Figure("upload a file of 10 KB", _asked(lambda side: side.file("PUT", "small.txt", text)))
    yield Figure("download a file of 10 KB", _asked(lambda side: side.file("GET", "small.txt")))
    for up in (True, False):
        yield Figure(
            f"{'upload' if up else 'download'} a file of 64 MB",
            lambda side, clients, up=up: side.carry(f"{side.artifacts}/big", _FILE, up=up, clients=clients),  # type: ignore[misc]
        )
