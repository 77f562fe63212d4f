"""The catalog at size, on both databases: lineage among a million edges, and a million versions beside ten thousand."""

import os
import random
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from benchmarks.filling import settle
from benchmarks.table import Row, limit, median_of, row
from regista.drivers.catalog.sql.catalog import SqlCatalog
from regista.entities.asset import AssetKind, AssetVersion
from regista.entities.lineage import Edge, EdgeType
from regista.entities.names import new_id
from regista.entities.page import PageRequest
from regista.entities.search import Clause, Field
from regista.interfaces.catalog import Transaction
from tests.support.postgres import running_postgres

EDGES = int(os.environ.get("REGISTA_BENCH_EDGES") or 1_000_000)
VERSIONS = int(os.environ.get("REGISTA_BENCH_VERSIONS") or 1_000_000)
_BATCH = 20_000


def rows(folder: Path) -> list[Row]:
    """SQLite in files, and a PostgreSQL as durable as it comes."""
    found = _measured("SQLite", lambda name: f"sqlite:///{folder / name}.sqlite", 5)
    with running_postgres({"shared_buffers": "512MB", "timezone": "UTC"}) as server:
        address = server.url_of("").replace("+psycopg", "")
        found += _measured("PostgreSQL", lambda _: address + server.create_database(), 10)
    return found


def _measured(database: str, place: Callable[[str], str], most: float) -> list[Row]:
    return [_lineage(database, place("lineage"), most), *_versions(database, place)]


def _lineage(database: str, url: str, most: float) -> Row:
    """The way up from a node 30 deep, and from others anywhere."""
    chance = random.Random(1)
    with closing(SqlCatalog.open(url)) as catalog:
        for start in range(0, EDGES, _BATCH):
            edges = [
                Edge(source=_node(max(0, n - chance.randint(1, 400))), target=_node(n), type=EdgeType.CONSUMED)
                for n in range(start + 1, min(EDGES, start + _BATCH) + 1)
            ]
            catalog.write(partial(_add, edges))
        settle(url)
        deep = [_node(30)] + [_node(chance.randint(EDGES // 2, EDGES)) for _ in range(20)]
        nodes = iter(deep * 10)
        took = median_of(lambda: catalog.read(lambda tx: tx.lineage.walk(next(nodes), upstream=True, depth=30)), 20)
    return limit(f"lineage 30 deep among {EDGES:,} edges, {database}", took * 1000, "ms", most=most)


def _node(number: int) -> str:
    return f"version:bench/data/d{number}/1"


def _versions(database: str, place: Callable[[str], str]) -> list[Row]:
    small, large = 10_000, VERSIONS
    took = {size: _timed(place(f"versions{size}"), size) for size in (small, large)}
    return [
        row(
            f"{name} among {large:,} versions, {database}",
            took[large][name] * 1e6,
            took[small][name] * 1e6,
            "µs",
            least=0.5,
            higher=False,
            peer_name=f"{small:,} versions",
        )
        for name in took[small]
    ]


def _timed(url: str, size: int) -> dict[str, float]:
    chance = random.Random(2)
    model = AssetKind.MODEL

    def get(tx: Transaction) -> object:
        return tx.versions.find("bench", model, f"m{chance.randrange(size) // 10}", str(1 + chance.randrange(10)))

    def page(tx: Transaction) -> object:
        return tx.versions.page("bench", model, None, PageRequest(50))

    def search(tx: Transaction) -> object:
        return tx.versions.page("bench", model, None, PageRequest(50), clauses=[Clause(Field.TAG, "team", "=", "t7")])

    with closing(SqlCatalog.open(url)) as catalog:
        for start in range(0, size, _BATCH):
            catalog.write(partial(_fill, start, min(size, start + _BATCH)))
        settle(url)
        return {
            name: median_of(partial(catalog.read, work), 200)
            for name, work in (("get a version", get), ("a page of 50", page), ("search by tag", search))
        }


def _add(edges: list[Edge], tx: Transaction) -> None:
    tx.lineage.add(edges)


def _fill(start: int, end: int, tx: Transaction) -> None:
    for n in range(start, end):
        version = AssetVersion(
            id=new_id(),
            scope_id="bench",
            kind=AssetKind.MODEL,
            name=f"m{n // 10}",
            version=str(1 + n % 10),
            tags={"team": f"t{n % 50}"},
            created_at=n,
        )
        tx.versions.add(version)
