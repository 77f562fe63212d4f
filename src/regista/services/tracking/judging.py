"""Whether a trace fulfils clauses: its attributes, tags and metadata, and what was thought of it."""

from collections.abc import Sequence
from typing import Any

import msgspec

from regista.entities.llm_trace import AssessmentKind, LlmTrace
from regista.entities.search import Clause, Field
from regista.services.tracking.matching import holds

Value = str | float | None

_ORDERED = {"<", "<=", ">", ">="}


def fulfils(trace: LlmTrace, clauses: Sequence[Clause]) -> bool:
    """Whether all of *clauses* hold. A tag is ``Field.TAG``, metadata is ``Field.PARAM``, an assessment the attribute
    ``feedback.NAME`` or ``expectation.NAME``; where there are several values one has to do."""
    return all(_holds(trace, clause) for clause in clauses)


def attribute(trace: LlmTrace, name: str) -> Value:
    """``id``, ``experiment``, ``status``, ``request_id``, ``run``, ``started_at``, ``duration``, ``ended_at``."""
    if name == "ended_at":
        return None if trace.duration is None else trace.started_at + trace.duration
    value = getattr(trace, name)
    return None if value == "" else value


def _holds(trace: LlmTrace, clause: Clause) -> bool:
    if clause.field is Field.TAG:
        return holds(clause, trace.tags.get(clause.key))
    if clause.field is Field.PARAM:
        return holds(clause, trace.metadata.get(clause.key))
    kind, dot, name = clause.key.partition(".")
    if dot:
        return _any(clause, _thoughts(trace, AssessmentKind(kind), name, clause.operator))
    if clause.key == "run":
        return _any(clause, [run for run in (trace.run, *trace.linked) if run])
    return holds(clause, attribute(trace, clause.key))


def _any(clause: Clause, values: Sequence[Value]) -> bool:
    return any(holds(clause, value) for value in values or (None,))


def _thoughts(trace: LlmTrace, kind: AssessmentKind, name: str, operator: str) -> list[Value]:
    """The values of valid assessments: numbers where an order is asked for, otherwise text."""
    found = [one.value for one in trace.assessments if one.kind is kind and one.name == name and one.valid]
    if operator in _ORDERED:
        return [one for one in found if isinstance(one, int | float) and not isinstance(one, bool)]
    return [_text(one) for one in found if one is not None]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
