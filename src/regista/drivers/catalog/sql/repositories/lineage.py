"""The lineage graph: names of nodes, and edges between their numbers.

``walk`` goes step by step, each step one query over the newly found nodes. A recursive query does it in one, but cannot
stop inside a step: from a node that a million jobs have consumed it would fetch them all before the limit counts.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from regista.drivers.catalog.sql import tables
from regista.drivers.catalog.sql.session import Session, Statement, insert
from regista.entities.lineage import Edge, EdgeType

_SOME = 5000
"""Nodes that one query asks about, at most."""

_ADD_NODE = Statement("INSERT INTO lineage_nodes (name) VALUES (:name) ON CONFLICT DO NOTHING")
_ADD_EDGE = insert(tables.lineage_edges)
_NUMBERS = Statement("SELECT name, seq FROM lineage_nodes WHERE name IN :names")
_NAMES = Statement("SELECT seq, name FROM lineage_nodes WHERE seq IN :nodes")
_COLUMNS = "SELECT source, target, type, role, created_at FROM lineage_edges"
_INTO = f"{_COLUMNS} WHERE target IN :nodes"
_OUT_OF = f"{_COLUMNS} WHERE source IN :nodes"
_STEPS = {
    (upstream, typed): Statement(
        f"{_INTO if upstream else _OUT_OF}{' AND type IN :types' if typed else ''} LIMIT :limit"
    )
    for upstream in (True, False)
    for typed in (True, False)
}

_Row = tuple[int, int, str, str, int]
_T = TypeVar("_T")


class LineageRows:
    """Rows of ``lineage_nodes`` and ``lineage_edges``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, edges: Sequence[Edge]) -> None:
        if not edges:
            return
        names = sorted({name for edge in edges for name in (edge.source, edge.target)})  # one order: no deadlocks
        self._session.many(_ADD_NODE, ({"name": name} for name in names))
        numbers = self._numbers(names)
        self._session.many(_ADD_EDGE, (_row(edge, numbers) for edge in edges))

    def edges(self, nodes: Sequence[str], *, upstream: bool) -> list[Edge]:
        numbers = list(self._numbers(nodes).values())
        return self._named(self._step(numbers, upstream=upstream, types=(), limit=2**31))

    def walk(
        self, node: str, *, upstream: bool, depth: int = 50, limit: int = 10_000, types: Sequence[EdgeType] = ()
    ) -> list[Edge]:
        frontier = list(self._numbers([node]).values())
        seen = set(frontier)
        found: list[_Row] = []
        for _ in range(depth):
            step = self._step(frontier, upstream=upstream, types=types, limit=limit - len(found))
            found += step
            ends = dict.fromkeys(row[0] if upstream else row[1] for row in step)
            frontier = [end for end in ends if end not in seen]
            seen.update(frontier)
            if not frontier or len(found) >= limit:
                break
        return self._named(found)

    def _step(self, nodes: Sequence[int], *, upstream: bool, types: Sequence[EdgeType], limit: int) -> list[_Row]:
        statement = _STEPS[upstream, bool(types)]
        narrowed: dict[str, Any] = {"types": [edge_type.value for edge_type in types]} if types else {}
        found: list[Any] = []
        for some in _portions(nodes):
            found += self._session.all(statement, nodes=some, limit=limit - len(found), **narrowed)
            if len(found) >= limit:
                break
        return found

    def _numbers(self, names: Iterable[str]) -> dict[str, int]:
        return {name: seq for some in _portions(names) for name, seq in self._session.all(_NUMBERS, names=some)}

    def _named(self, rows: Sequence[_Row]) -> list[Edge]:
        nodes = {node for source, target, *_ in rows for node in (source, target)}
        names = {seq: name for some in _portions(nodes) for seq, name in self._session.all(_NAMES, nodes=some)}
        return [
            Edge(source=names[source], target=names[target], type=EdgeType(kind), role=role, created_at=created_at)
            for source, target, kind, role, created_at in rows
        ]


def _portions(items: Iterable[_T]) -> Iterator[list[_T]]:
    rest = iter(items)
    while some := list(islice(rest, _SOME)):
        yield some


def _row(edge: Edge, numbers: dict[str, int]) -> dict[str, Any]:
    return {
        "source": numbers[edge.source],
        "target": numbers[edge.target],
        "type": edge.type.value,
        "role": edge.role,
        "created_at": edge.created_at,
    }
