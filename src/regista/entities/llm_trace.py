"""Traces of language-model programs: what a call asked, answered and took, and what was thought of it afterwards.

The spans of a trace are a file, the artifact ``traces.json`` of ``traces/<id>``; what is searched by is kept here.
"""

from enum import StrEnum
from typing import Any

import msgspec


class LlmTraceStatus(StrEnum):
    """How the call went."""

    UNSPECIFIED = "unspecified"
    RUNNING = "running"
    OK = "ok"
    ERROR = "error"


class AssessmentKind(StrEnum):
    """What an assessment says: how good the answer was, or what it should have been."""

    FEEDBACK = "feedback"
    EXPECTATION = "expectation"


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """What a person, a program or a model thinks of a trace or of one of its spans.

    ``value`` is any JSON; ``format`` names how it was written as text, where it was. ``overrides`` is the assessment that this
    one corrects: that one is not ``valid`` any more."""

    id: str
    name: str
    kind: AssessmentKind
    value: Any = None
    format: str = ""
    error: dict[str, str] = {}
    source_type: str = ""
    source_id: str = ""
    rationale: str = ""
    span_id: str = ""
    metadata: dict[str, str] = {}
    overrides: str = ""
    valid: bool = True
    created_at: int = 0
    updated_at: int = 0


class TracedCall(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of one call, wherever it was recorded. ``metadata`` is said once, by the program; ``tags`` are remarks that change.

    ``run`` is the run in which the call was made, ``linked`` are runs that it was linked to later. ``request_id`` is the
    caller's own name for the call. Times are milliseconds; ``duration`` is None while it lasts."""

    id: str
    experiment: int
    run: str = ""
    linked: tuple[str, ...] = ()
    status: LlmTraceStatus = LlmTraceStatus.UNSPECIFIED
    request_id: str = ""
    request_preview: str | None = None
    response_preview: str | None = None
    started_at: int = 0
    duration: int | None = None
    metadata: dict[str, str] = {}
    tags: dict[str, str] = {}
    assessments: tuple[Assessment, ...] = ()


class LlmTrace(TracedCall, frozen=True, kw_only=True):
    """One call as it is kept here."""

    scope_id: str
    created_by: str = ""
