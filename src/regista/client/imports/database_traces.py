"""The traces in MLflow's database. Since MLflow 3.6 their spans are rows too, and before that files like all others."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from regista.client.imports.records import Row, SourceFile, SourceTrace, Told
from regista.client.imports.tables import Tables
from regista.client.imports.told_traces import (
    IN_ARCHIVE,
    IN_DATABASE,
    PLACE,
    SPANS,
    WHERE,
    assessments,
    written_value,
)
from regista.entities.llm_trace import Assessment, AssessmentKind

_SESSION, _TOKENS, _COST = "mlflow.trace.session", "mlflow.trace.tokenUsage", "mlflow.trace.cost"
_TOKEN_COLUMNS = ("input_tokens", "output_tokens", "total_tokens", "cache_read_input_tokens", "cache_creation_input_tokens",
                  "cache_creation_input_tokens_above_1hr")  # fmt: skip
_COST_COLUMNS = ("input_cost", "output_cost", "total_cost")


class DatabaseTraces:
    """Of one database. *below*: the files at a place that it names."""

    def __init__(self, tables: Tables, tell: Told, below: Callable[[str], Iterator[SourceFile]]) -> None:
        self._tables, self._tell, self._below = tables, tell, below

    def of(self, experiment: str) -> Iterator[SourceTrace]:
        """All of an experiment, by time."""
        for page in self._tables.pages("trace_info", experiment, "timestamp_ms", "request_id"):
            yield from self._whole(page, experiment)

    def _whole(self, page: Sequence[Row], experiment: str) -> Iterator[SourceTrace]:
        ids = [row["request_id"] for row in page]
        pairs = "SELECT request_id AS id, key, value FROM {} WHERE request_id IN :ids"
        tags = self._tables.by(pairs.format("trace_tags"), "trace_tags", ids)
        metadata = self._tables.by(pairs.format("trace_request_metadata"), "trace_request_metadata", ids)
        linked, judged = self._linked(ids), self._judged(ids)
        for row in page:
            trace = str(row["request_id"])
            try:
                marks = tags.get(trace, {}) | _named(row)
                yield SourceTrace(
                    id=trace,
                    experiment=experiment,
                    linked=tuple(linked.get(trace, ())),
                    status=str(row["status"]),
                    request_id=str(row.get("client_request_id") or ""),
                    request_preview=row.get("request_preview"),
                    response_preview=row.get("response_preview"),
                    started_at=int(row["timestamp_ms"]),
                    duration=None if row["execution_time_ms"] is None else int(row["execution_time_ms"]),
                    metadata=metadata.get(trace, {}) | _counted(row),
                    tags=marks,
                    assessments=assessments(trace, judged.get(trace, ()), _assessment, self._tell),
                    files=partial(self._files, trace, marks),
                )
            except (KeyError, ValueError, TypeError) as wrong:
                self._tell(f"trace {trace[:100]}", f"cannot be read: {str(wrong)[:200]}")

    def _linked(self, ids: Sequence[str]) -> dict[str, list[str]]:
        query = (
            "SELECT source_id, destination_id FROM entity_associations WHERE source_type = 'trace'"
            " AND destination_type = 'run' AND source_id IN :ids ORDER BY created_time, destination_id"
        )
        found: defaultdict[str, list[str]] = defaultdict(list)
        for row in self._tables.rows(query, "entity_associations", ids=ids):
            found[row["source_id"]].append(str(row["destination_id"]))
        return found

    def _judged(self, ids: Sequence[str]) -> dict[str, list[Row]]:
        query = "SELECT * FROM assessments WHERE trace_id IN :ids ORDER BY created_timestamp, assessment_id"
        found: defaultdict[str, list[Row]] = defaultdict(list)
        for row in self._tables.rows(query, "assessments", ids=ids):
            found[row["trace_id"]].append(row)
        return found

    def _files(self, trace: str, tags: dict[str, str]) -> Iterator[SourceFile]:
        if tags.get(WHERE) == IN_DATABASE:
            size = sum(map(len, self._spans(trace)))
            yield SourceFile(SPANS, size, partial(self._spans, trace))
        elif tags.get(WHERE) == IN_ARCHIVE:
            self._tell(
                f"trace {trace}", "its spans are in an archive, which only the running server reads: import from it"
            )
        for file in self._below(tags.get(PLACE, "")):
            if file.path != SPANS or tags.get(WHERE) != IN_DATABASE:
                yield file

    def _spans(self, trace: str) -> Iterator[bytes]:
        """The file of spans, as MLflow's server gives it: each row holds one as JSON."""
        query = (
            "SELECT content FROM spans WHERE trace_id = :trace AND content <> '' ORDER BY start_time_unix_nano, span_id"
        )
        before = b'{"spans":['
        for row in self._tables.rows(query, "spans", trace=trace):
            yield before + str(row["content"]).encode()
            before = b","
        yield b"]}" if before == b"," else before + b"]}"


def _named(row: Row) -> dict[str, str]:
    """The tag that newer databases keep in a column."""
    name = row.get("trace_name")
    return {} if name is None else {"mlflow.traceName": str(name)}


def _counted(row: Row) -> dict[str, str]:
    """The metadata that newer databases keep in columns."""
    found = {} if row.get("session_id") is None else {_SESSION: str(row["session_id"])}
    for key, columns in ((_TOKENS, _TOKEN_COLUMNS), (_COST, _COST_COLUMNS)):
        if values := {name: row[name] for name in columns if row.get(name) is not None}:
            found[key] = json.dumps(values)
    return found


def _assessment(row: Row) -> Assessment:
    try:
        kind = AssessmentKind(row["assessment_type"])
    except ValueError:
        raise ValueError(f"it is {str(row['assessment_type'])[:50]!r}, which is not kept here") from None
    value, form = written_value(kind, json.loads(row["value"]))
    error = json.loads(row["error"]) if row["error"] else {}
    return Assessment(
        id=str(row["assessment_id"]),
        name=str(row["name"]),
        kind=kind,
        value=value,
        format=form,
        error={str(key): str(text) for key, text in error.items() if text},
        source_type=str(row["source_type"]),
        source_id=str(row["source_id"] or ""),
        rationale=str(row["rationale"] or ""),
        span_id=str(row["span_id"] or ""),
        metadata={str(key): str(text) for key, text in json.loads(row.get("assessment_metadata") or "{}").items()},
        overrides=str(row.get("overrides") or ""),
        valid=bool(row.get("valid", True)),
        created_at=int(row["created_timestamp"]),
        updated_at=int(row["last_updated_timestamp"]),
    )
