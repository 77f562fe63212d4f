"""Searching runs and versions, held against the law of a clause as it is told in memory (``holds``), for whatever can be asked."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import msgspec
from hypothesis import given, settings, strategies as st

from regista.conformance.catalog.case import CatalogCase, every
from regista.conformance.catalog.examples import added_job
from regista.entities.asset import AssetKind, AssetVersion
from regista.entities.run import Metric
from regista.entities.search import Clause, Field, Order
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.tracking.matching import holds

_TEXTS = ("", "a", "A", "ab", "a%", "a_b", "[a]", "*", "?", "\\", "'", "é", "10", "9", "x" * 130, "x" * 129 + "y")
_PATTERNS = (*_TEXTS, "%", "_", "a%b", "%\\", "A_B", "x%y")
_NUMBERS = (-1.5, 0.0, 0.5, 2.0, 1e300)
_KEYS = ("k", "odd key")
_AMONG = ((), ("a",), ("A", "x" * 130, "none"))
_COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")
_EXPERIMENTS = (1, 2)


class _Told(msgspec.Struct):
    """What is known of a run, by field and key."""

    name: str
    experiment: int
    values: dict[tuple[Field, str], Any]


def _texts(field: Field, key: str) -> Iterator[Clause]:
    for operator, values in {"=": _TEXTS, "!=": _TEXTS, "LIKE": _PATTERNS, "ILIKE": _PATTERNS}.items():
        yield from (Clause(field, key, operator, value) for value in values)
    if field is Field.ATTRIBUTE:
        yield from (Clause(field, key, operator, among) for operator in ("IN", "NOT IN") for among in _AMONG)
    else:
        yield from (Clause(field, key, operator) for operator in ("IS NULL", "IS NOT NULL"))


def _numbers(field: Field, key: str) -> Iterator[Clause]:
    return (Clause(field, key, operator, value) for operator in _COMPARISONS for value in (*_NUMBERS, 1, "0.5"))


_CLAUSES = [
    *chain.from_iterable(_texts(field, key) for field in (Field.TAG, Field.PARAM) for key in _KEYS),
    *chain.from_iterable(_numbers(Field.METRIC, key) for key in _KEYS),
    *_texts(Field.ATTRIBUTE, "run_name"),
    *_numbers(Field.ATTRIBUTE, "start_time"),
]
_ORDERS = [
    Order(field, key, ascending)
    for field, keys in {
        **dict.fromkeys((Field.TAG, Field.PARAM, Field.METRIC), _KEYS),
        Field.ATTRIBUTE: ("run_name", "start_time", "created"),
    }.items()
    for key in keys
    for ascending in (True, False)
]


class SearchLawContract(CatalogCase):
    """``tx.jobs.search``: every clause alone, and several at random."""

    def test_a_search_finds_what_its_clause_holds_for(self, catalog: Catalog) -> None:
        told = self.told(catalog)
        for clause in _CLAUSES:
            assert self.found(catalog, _EXPERIMENTS, [clause], [], 100) == _wanted(told, _EXPERIMENTS, [clause], []), (
                clause
            )

    def test_clauses_orders_and_pages_go_together(self, catalog: Catalog) -> None:
        told = self.told(catalog)

        @settings(max_examples=200, deadline=None)
        @given(
            experiments=st.sampled_from([(1,), _EXPERIMENTS]),
            clauses=st.lists(st.sampled_from(_CLAUSES), max_size=3),
            orders=st.lists(st.sampled_from(_ORDERS), max_size=2),
            size=st.sampled_from([1, 3, 100]),
        )
        def law(experiments: Sequence[int], clauses: Sequence[Clause], orders: Sequence[Order], size: int) -> None:
            wanted = _wanted(told, experiments, clauses, orders)
            assert self.found(catalog, experiments, clauses, orders, size) == wanted

        law()

    def found(
        self,
        catalog: Catalog,
        experiments: Sequence[int],
        clauses: Sequence[Clause],
        orders: Sequence[Order],
        size: int,
    ) -> list[str]:
        """The names in all pages."""
        return [
            job.name
            for job in every(
                lambda request: catalog.read(lambda tx: tx.jobs.search("w", experiments, clauses, orders, request)),
                size,
            )
        ]

    def told(self, catalog: Catalog) -> list[_Told]:
        """Two dozen runs with every combination that is worth a look."""
        made = []
        for number in range(24):
            text, other = _TEXTS[number % len(_TEXTS)], _TEXTS[(number * 7) % len(_TEXTS)]
            tags = {"k": text} | ({"odd key": other} if number % 3 == 0 else {})
            params = {"k": other} if number % 2 else {}
            metrics = {"k": math.nan if number % 5 == 0 else _NUMBERS[number % len(_NUMBERS)]} if number % 4 else {}
            started = None if number % 6 == 0 else number % 4
            run = added_job(
                catalog,
                f"r{number}",
                display_name=text,
                experiment=_EXPERIMENTS[number % 2],
                created_at=number,
                started_at=started,
            )

            def record(tx: Transaction, run_id: str = run.id, all_of: Any = (tags, params, metrics)) -> None:
                tx.runs.set_tags(run_id, all_of[0])
                tx.runs.log_params(run_id, all_of[1])
                tx.runs.log_metrics(run_id, [Metric(key, value, 1) for key, value in all_of[2].items()])

            catalog.write(record)
            values = _values(tags, params, metrics)
            values |= {
                (Field.ATTRIBUTE, "run_name"): text,
                (Field.ATTRIBUTE, "start_time"): started,
                (Field.ATTRIBUTE, "created"): number,
            }
            made.append(_Told(run.name, run.experiment, values))
        return made


_VERSION_CLAUSES = [
    *chain.from_iterable(_texts(Field.ATTRIBUTE, key) for key in ("run", "source", "type")),
    *_texts(Field.TAG, "k"),
    *_numbers(Field.ATTRIBUTE, "number"),
]
_VERSION_ORDERS = [
    Order(Field.ATTRIBUTE, key, ascending) for key in ("number", "changed", "run") for ascending in (True, False)
]


class VersionSearchLawContract(CatalogCase):
    """``tx.versions.page``: the same law."""

    def test_versions_are_found_by_what_they_come_from(self, catalog: Catalog) -> None:
        told = self.versions(catalog)
        for clause in _VERSION_CLAUSES:
            assert self.listed(catalog, [clause], [], 100) == _wanted(told, (0,), [clause], []), clause

    def test_clauses_orders_and_pages_of_versions_go_together(self, catalog: Catalog) -> None:
        told = self.versions(catalog)

        @settings(max_examples=100, deadline=None)
        @given(
            clauses=st.lists(st.sampled_from(_VERSION_CLAUSES), max_size=3),
            orders=st.lists(st.sampled_from(_VERSION_ORDERS), max_size=2),
            size=st.sampled_from([1, 3, 100]),
        )
        def law(clauses: Sequence[Clause], orders: Sequence[Order], size: int) -> None:
            assert self.listed(catalog, clauses, orders, size) == _wanted(told, (0,), clauses, orders)

        law()

    def listed(self, catalog: Catalog, clauses: Sequence[Clause], orders: Sequence[Order], size: int) -> list[str]:
        """The ids in all pages."""
        return [
            one.id
            for one in every(
                lambda request: catalog.read(
                    lambda tx: tx.versions.page("w", AssetKind.MODEL, None, request, clauses=clauses, order=orders)
                ),
                size,
            )
        ]

    def versions(self, catalog: Catalog) -> list[_Told]:
        """Each with another run, said or found in its node, and another source."""
        made = []
        for number in range(2 * len(_TEXTS)):
            run, source = _TEXTS[number % len(_TEXTS)], _TEXTS[(number * 7) % len(_TEXTS)]
            said = {"node": f"job:w/{run}"} if number % 2 else {"node": "job:w/another", "run_id": run}
            one = AssetVersion(
                id=f"v{number}",
                scope_id="w",
                kind=AssetKind.MODEL,
                name="churn",
                version=str(number),
                type=source,
                tags={"k": source} if number % 3 else {},
                source=(said if run else {}) | ({"uri": source} if source else {}),
                created_at=number,
                updated_at=number % 5,
            )
            catalog.write(lambda tx, one=one: tx.versions.add(one))  # type: ignore[misc]
            values: dict[tuple[Field, str], Any] = {(Field.TAG, key): value for key, value in one.tags.items()}
            for key, value in {"run": run, "source": source, "type": source, "number": number}.items():
                values[Field.ATTRIBUTE, key] = value
            values |= {(Field.ATTRIBUTE, "changed"): number % 5, (Field.ATTRIBUTE, "created"): number}
            made.append(_Told(one.id, 0, values))
        return made


def _values(
    tags: Mapping[str, str], params: Mapping[str, str], metrics: Mapping[str, float]
) -> dict[tuple[Field, str], Any]:
    groups: dict[Field, Mapping[str, Any]] = {Field.TAG: tags, Field.PARAM: params, Field.METRIC: metrics}
    return {(field, key): value for field, group in groups.items() for key, value in group.items()}


def _wanted(
    told: Sequence[_Told], experiments: Sequence[int], clauses: Sequence[Clause], orders: Sequence[Order]
) -> list[str]:
    found = [one for one in told if one.experiment in experiments and _fulfils(one, clauses)]
    for order in reversed([*orders, Order(Field.ATTRIBUTE, "created", ascending=False)]):
        found = _sorted(found, order)
    return [one.name for one in found]


def _fulfils(one: _Told, clauses: Sequence[Clause]) -> bool:
    return all(holds(clause, one.values.get((clause.field, clause.key))) for clause in clauses)


def _sorted(runs: Sequence[_Told], order: Order) -> list[_Told]:
    """Numbers and texts in order, then NaN, then what has none. Of a long text the beginning counts."""

    def value(one: _Told) -> Any:
        return one.values.get((order.field, order.key))

    def key(one: _Told) -> Any:
        found = value(one)
        return found[:128] if isinstance(found, str) and order.field is not Field.ATTRIBUTE else found

    nans = [one for one in runs if isinstance(value(one), float) and math.isnan(value(one))]
    lacking = [one for one in runs if value(one) is None]
    valued = [one for one in runs if one not in nans and one not in lacking]
    return [*sorted(valued, key=key, reverse=not order.ascending), *nans, *lacking]
