"""What traces can be searched and sorted by, in the protocol's words and in the core's."""

from collections.abc import Sequence
from typing import Any

import msgspec

from regista.dialects.mlflow.filters import Comparison, parse_filter, parse_order
from regista.dialects.mlflow.render_traces import STATES
from regista.dialects.mlflow.spans import ATTRIBUTE, CONTENT
from regista.entities.llm_trace import LlmTrace
from regista.entities.search import Clause, Field, Order
from regista.errors import InvalidError
from regista.services.tracking.judging import attribute

NAME, PROMPTS = "mlflow.traceName", "mlflow.linkedPrompts"

_ENTITIES = {
    "": "attribute",
    "attributes": "attribute",
    "trace": "attribute",
    "tags": "tag",
    "metadata": "request_metadata",
}
_KNOWN = ("attribute", "tag", "request_metadata", "feedback", "expectation")
_TEXTS = {"request_id": "id", "trace_id": "id", "status": "status", "client_request_id": "request_id", "run_id": "run"}
_NUMBERS = {
    "timestamp": "started_at",
    "timestamp_ms": "started_at",
    "execution_time": "duration",
    "execution_time_ms": "duration",
    "end_time": "ended_at",
    "end_time_ms": "ended_at",
}
_SPAN_TEXTS = ("name", "type", "status")
_SORTABLE = _NUMBERS | {"experiment_id": "experiment", "status": "status", "request_id": "id", "run_id": "run"}
_TEXT_OPERATORS = frozenset({"=", "!=", "LIKE", "ILIKE"})
_NUMERIC = frozenset({"=", "!=", "<", "<=", ">", ">="})
_SETS = frozenset({"IN", "NOT IN"})
_NULLS = frozenset({"IS NULL", "IS NOT NULL"})
_STATUSES = {name: str(status) for status, name in STATES.items()} | {"TRACE_STATUS_UNSPECIFIED": "unspecified"}


def trace_clauses(text: str) -> tuple[list[Clause], list[Clause]]:
    """Read a filter: what it says of the trace itself, and what of one of its spans. Raise ``InvalidError`` in the words of
    the protocol."""
    read = [(_is_of_spans(one), one) for one in parse_filter(text)]
    return [_clause(one) for inside, one in read if not inside], [_span_clause(one) for inside, one in read if inside]


def trace_orders(texts: Sequence[str]) -> list[Order]:
    """Read the keys of an order; what is asked for anyway, the latest first, is none."""
    found = [_order(text) for text in texts]
    return [] if found == [Order(Field.ATTRIBUTE, "started_at", ascending=False)] else found


def sort_traces(traces: Sequence[LlmTrace], orders: Sequence[Order]) -> list[LlmTrace]:
    """*traces* in the order of *orders*; what has no value comes last, and the rest stays as it was."""
    found = list(traces)
    for order in reversed(orders):
        valued = [one for one in found if _value(one, order) is not None]
        without = [one for one in found if _value(one, order) is None]
        valued.sort(key=lambda one, order=order: _value(one, order), reverse=not order.ascending)  # type: ignore[misc]
        found = valued + without
    return found


def _value(trace: LlmTrace, order: Order) -> Any:
    return trace.tags.get(order.key) if order.field is Field.TAG else attribute(trace, order.key)


def _order(text: str) -> Order:
    entity, key, ascending = parse_order(text)
    if _entity(entity) != "attribute":
        raise InvalidError(f"Invalid order_by entity `{entity}` with key `{key}`")
    if key == "name":
        return Order(Field.TAG, NAME, ascending)
    if key not in _SORTABLE:
        raise _unknown(key, [*_SORTABLE, "name"])
    return Order(Field.ATTRIBUTE, _SORTABLE[key], ascending)


def _entity(name: str) -> str:
    found = _ENTITIES.get(name, name)
    if found == "issue":
        raise InvalidError("Traces cannot be searched by 'issue' here: Regista keeps no issues.")
    if found not in _KNOWN:
        raise InvalidError(f"Invalid entity type '{name}'. Valid values are {[*_KNOWN, *filter(None, _ENTITIES)]}")
    return found


def _is_of_spans(one: Comparison) -> bool:
    """``span.…``, and ``text``, which means the content of a span."""
    return one.entity == "span" or (one.key == "text" and _ENTITIES.get(one.entity) == "attribute")


def _span_clause(one: Comparison) -> Clause:
    """``name``, ``type``, ``status``, ``content`` and ``attributes.KEY`` of a span."""
    key = CONTENT if one.entity != "span" else one.key
    if key.startswith(ATTRIBUTE) and len(key) > len(ATTRIBUTE):
        key = ATTRIBUTE + key.removeprefix(ATTRIBUTE).strip("`")
    elif key not in {*_SPAN_TEXTS, CONTENT}:
        known = ", ".join([*_SPAN_TEXTS, f"{ATTRIBUTE}<attribute_name>"])
        raise InvalidError(f"Invalid span attribute '{key}'. Supported attributes: {known}.")
    one.require(frozenset({"LIKE", "ILIKE"}) if key == CONTENT else _TEXT_OPERATORS | _SETS)
    _check_text(one)
    return Clause(Field.ATTRIBUTE, key, one.operator, one.value)


def _clause(one: Comparison) -> Clause:
    entity = _entity(one.entity)
    if entity == "attribute":
        return _attribute(one)
    if entity in {"feedback", "expectation"}:
        one.require(_TEXT_OPERATORS | _NUMERIC | _NULLS)
        value = str(one.value) if one.operator in {"=", "!="} else one.value
        return Clause(Field.ATTRIBUTE, f"{entity}.{one.key}", one.operator, value)
    one.require(_TEXT_OPERATORS | _NULLS)
    _check_text(one)
    return Clause(Field.TAG if entity == "tag" else Field.PARAM, one.key, one.operator, one.value)


def _attribute(one: Comparison) -> Clause:
    if one.key in _NUMBERS:
        one.require(_NUMERIC)
        if not isinstance(one.value, int | float):
            raise InvalidError(f"Expected numeric value type for numeric attribute: {one.key}. Found {one.value!r}")
        return Clause(Field.ATTRIBUTE, _NUMBERS[one.key], one.operator, one.value)
    if one.key not in {*_TEXTS, "name", "prompt"}:
        raise _unknown(one.key, [*_TEXTS, *_NUMBERS, "name", "prompt"])
    one.require(_TEXT_OPERATORS | _SETS)
    _check_text(one)
    if one.key == "name":
        return Clause(Field.TAG, NAME, one.operator, one.value)
    if one.key == "prompt":
        return _prompt(one)
    value = _states(one.value) if one.key == "status" else one.value
    return Clause(Field.ATTRIBUTE, _TEXTS[one.key], one.operator, value)


def _prompt(one: Comparison) -> Clause:
    """``prompt = 'name/version'``, sought in the text that the versions are kept as."""
    one.require(frozenset({"="}))
    name, _, version = str(one.value).rpartition("/")
    if not name or set(f"{name}{version}") & {"%", '"', "\\"}:
        raise InvalidError(f"Invalid prompt '{one.value}'. Expected name/version")
    sought = msgspec.json.encode({"name": name, "version": version}).decode()
    return Clause(Field.TAG, PROMPTS, "LIKE", f"%{sought}%")


def _states(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_STATUSES.get(one, one) for one in value)
    return _STATUSES.get(value, value)


def _check_text(one: Comparison) -> None:
    if one.operator not in _NULLS and not isinstance(one.value, str | tuple):
        raise InvalidError(f"Expected a quoted string value for {one.key} (e.g. 'my-value'). Got value {one.value}")


def _unknown(key: str, known: Sequence[str]) -> InvalidError:
    return InvalidError(f"Invalid attribute key '{key}' specified. Valid keys are '{sorted(known)}'")
