"""What can be searched by what: the protocol's entities and attributes, and what they are in the core."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import msgspec

from regista.dialects.mlflow.filters import Comparison, parse_filter, parse_order
from regista.dialects.mlflow.states import STATUSES, jobs_of
from regista.entities.search import Clause, Field, Order
from regista.errors import InvalidError
from regista.services.tracking.matching import holds

_NUMERIC = frozenset({"=", "!=", "<", "<=", ">", ">="})
_TEXT = frozenset({"=", "!=", "LIKE", "ILIKE"})
_SETS = frozenset({"IN", "NOT IN"})
_NULLS = frozenset({"IS NULL", "IS NOT NULL"})

_ENTITIES = {
    "attribute": "attribute attributes attr run",
    "metric": "metric metrics",
    "parameter": "parameter parameters param params",
    "tag": "tag tags",
    "dataset": "dataset datasets",
}
_CANONICAL = {spelling: entity for entity, spellings in _ENTITIES.items() for spelling in spellings.split()}
_FIELDS = {
    "attribute": Field.ATTRIBUTE,
    "metric": Field.METRIC,
    "parameter": Field.PARAM,
    "tag": Field.TAG,
    "dataset": Field.DATASET,
}

_SHORT = 1000
"""Characters of a filter that is worth remembering: clients ask the same again and again."""


class Space(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One kind of search: its entities, its attributes of text and of numbers with their names in the core, which of them
    compare with lists, and which sort."""

    entities: tuple[str, ...]
    texts: Mapping[str, str]
    numbers: Mapping[str, str]
    lists: frozenset[str] = frozenset()
    sortable: frozenset[str] | None = None

    def clauses(self, text: str) -> list[Clause]:
        """Read a filter; raise ``InvalidError`` in the words of the protocol."""
        return list(_remembered(self, text) if len(text) <= _SHORT else self.read(text))

    def read(self, text: str) -> tuple[Clause, ...]:
        """The same, every time anew."""
        return tuple(self._clause(one) for one in parse_filter(text))

    def orders(self, texts: Sequence[str]) -> list[Order]:
        """Read the keys of an order."""
        found = []
        for text in texts:
            entity, key, ascending = parse_order(text)
            canonical = self._entity(entity, key)
            if canonical == "attribute":
                if self.sortable is not None and key not in self.sortable:
                    raise _unknown_attribute(key, sorted(self.sortable))
                key = self._attribute(key)
            elif canonical == "dataset":
                raise InvalidError(f"Invalid order_by entity '{entity}'")
            found.append(Order(_FIELDS[canonical], key, ascending))
        return found

    def _clause(self, one: Comparison) -> Clause:
        entity = self._entity(one.entity, one.key)
        if entity == "attribute":
            return self._attribute_clause(one)
        if entity == "dataset":
            one.require(_TEXT | _SETS)
            if not isinstance(one.value, str | tuple):
                raise InvalidError(f"Expected a quoted string value for dataset attributes. Got value {one.value}")
        elif entity == "metric":
            one.require(_NUMERIC)
            if not isinstance(one.value, int | float):
                raise InvalidError(f"Expected numeric value type for metric. Found {one.value!r}")
        else:
            one.require(_TEXT | _NULLS)
            if one.operator not in _NULLS and not isinstance(one.value, str):
                raise InvalidError(
                    f"Expected a quoted string value for {entity} (e.g. 'my-value'). Got value {one.value}"
                )
        return Clause(_FIELDS[entity], one.key, one.operator, one.value)

    def _attribute_clause(self, one: Comparison) -> Clause:
        name = self._attribute(one.key)
        if one.operator in _NULLS:
            raise InvalidError(
                f"IS NULL / IS NOT NULL is only supported for tags and params, not for 'attribute' '{one.key}'"
            )
        if one.key in self.numbers:
            one.require(_NUMERIC)
            if not isinstance(one.value, int | float):
                raise InvalidError(f"Expected numeric value type for numeric attribute: {one.key}. Found {one.value!r}")
        elif one.operator in _SETS:
            if one.key not in self.lists:
                raise InvalidError(
                    f"Only {sorted(self.lists)} attributes support comparison with a list of quoted string values."
                )
        else:
            one.require(_TEXT)
            if not isinstance(one.value, str):
                raise InvalidError(f"Expected a quoted string value for attributes. Got value {one.value}")
        return Clause(Field.ATTRIBUTE, name, one.operator, one.value)

    def _entity(self, entity: str, key: str) -> str:
        canonical = _CANONICAL.get(entity) if entity else "attribute"
        if canonical not in self.entities:
            raise InvalidError(f"Invalid entity type '{entity}'. Valid values are {list(self.entities)}")
        if canonical == "dataset" and key not in {"name", "digest", "context"}:
            raise InvalidError(f"Invalid dataset key '{key}' specified. Valid keys are name, digest, context")
        return canonical

    def _attribute(self, key: str) -> str:
        found = self.texts.get(key) or self.numbers.get(key)
        if found is None:
            raise _unknown_attribute(key, sorted({*self.texts, *self.numbers}))
        return found


@lru_cache(maxsize=512)
def _remembered(space: Space, text: str) -> tuple[Clause, ...]:
    return space.read(text)


RUNS = Space(
    entities=("metric", "parameter", "tag", "attribute", "dataset"),
    texts={
        "run_id": "run_id",
        "run_name": "run_name",
        "Run name": "run_name",
        "Run Name": "run_name",
        "run name": "run_name",
        "user_id": "user_id",
        "status": "status",
        "artifact_uri": "artifact_uri",
    },
    numbers={"start_time": "start_time", "end_time": "end_time", "created": "start_time", "Created": "start_time"},
    lists=frozenset({"run_id"}),
)
EXPERIMENTS = Space(
    entities=("attribute", "tag"),
    texts={"name": "name", "experiment_id": "experiment_id"},
    numbers={"creation_time": "creation_time", "last_update_time": "last_update_time"},
    lists=frozenset({"experiment_id"}),
)
MODELS = Space(
    entities=("attribute", "tag"),
    texts={"name": "name"},
    numbers={
        "timestamp": "last_updated_timestamp",
        "creation_timestamp": "creation_timestamp",
        "last_updated_timestamp": "last_updated_timestamp",
    },
    lists=frozenset({"name"}),
)
VERSIONS = Space(
    entities=("attribute", "tag"),
    texts={"name": "name", "run_id": "run", "source_path": "source"},
    numbers={"version_number": "number", "creation_timestamp": "created", "last_updated_timestamp": "changed"},
    lists=frozenset({"name", "run_id"}),
    sortable=frozenset({"name", "version_number", "creation_timestamp", "last_updated_timestamp"}),
)
LOGGED_MODELS = Space(
    entities=("attribute", "metric", "parameter", "tag"),
    texts={name: name for name in ("name", "model_id", "model_type", "status", "source_run_id")},
    numbers={
        "creation_timestamp": "creation_timestamp",
        "creation_time": "creation_timestamp",
        "last_updated_timestamp": "last_updated_timestamp",
    },
    lists=frozenset({"name", "model_id", "model_type", "status", "source_run_id"}),
)


def run_clauses(text: str) -> list[Clause]:
    """A filter for runs, in the core's terms: states are ours, and an artifact URI ends with the run's id."""
    return [_run_clause(clause) for clause in RUNS.clauses(text)]


def run_orders(texts: Sequence[str]) -> list[Order]:
    """An order for runs; every run's artifact URI differs by its id alone."""
    return [
        msgspec.structs.replace(order, key="run_id")
        if order.field is Field.ATTRIBUTE and order.key == "artifact_uri"
        else order
        for order in RUNS.orders(texts)
    ]


def _run_clause(clause: Clause) -> Clause:
    if clause.field is not Field.ATTRIBUTE:
        return clause
    if clause.key == "artifact_uri":
        return Clause(clause.field, "run_id", clause.operator, str(clause.value).rstrip("/").rpartition("/")[2])
    if clause.key != "status":
        return clause
    wanted = [job for status in STATUSES if holds(clause, status) for job in jobs_of(status)]
    return Clause(Field.ATTRIBUTE, "status", "IN", tuple(wanted))


def _unknown_attribute(key: str, known: list[str]) -> InvalidError:
    return InvalidError(f"Invalid attribute key '{key}' specified. Valid keys are '{known}'")
