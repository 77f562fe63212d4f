"""The traces of a running MLflow server.

Wherever their spans are, in its database, as a file or in an archive: the address by which browsers fetch them gives the file.
Attachments are listed where the server serves its artifacts.
"""

from collections.abc import Callable, Iterator
from functools import partial
from urllib.parse import urlencode

from regista.client.imports.mlflow_api import BROKEN, V2, V3, Json, MlflowApi
from regista.client.imports.records import SourceFile, SourceTrace, Told
from regista.client.imports.told_traces import PLACE, SPANS, told_trace
from regista.errors import InvalidError, NotFoundError, UnavailableError

Tree = Callable[[str, str], Iterator[SourceFile]]
"""The files at a place that a source names, of an owner."""

_PAGE, _RUNS = 200, 1000
_IN_MEMORY = 1 << 20


class ServerTraces:
    """Of one server."""

    def __init__(self, api: MlflowApi, tell: Told, tree: Tree) -> None:
        self._api, self._tell, self._tree = api, tell, tree

    def of(self, experiment: str) -> Iterator[SourceTrace]:
        """All of an experiment; none of a server that does not know traces."""
        runs: dict[str, list[str]] | None = None
        for info in self._infos(experiment):
            if runs is None:
                runs = self._links(experiment)
            try:
                files = partial(self._files, info)
                yield told_trace(info, experiment, self._tell, files, runs.get(_id(info), ()))
            except BROKEN as wrong:
                self._tell(f"trace {str(info.get('trace_id'))[:100]}", f"cannot be read: {str(wrong)[:200]}")

    def _infos(self, experiment: str, filter_: str = "") -> Iterator[Json]:
        where = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}
        asked: Json = {"max_results": _PAGE, "order_by": ["timestamp_ms ASC"]} | (
            {"filter": filter_} if filter_ else {}
        )
        try:
            yield from self._api.pages("traces/search", "traces", asked | {"locations": [where]}, api=V3)
        except NotFoundError:
            yield from self._older(asked | {"experiment_ids": [experiment]})

    def _older(self, asked: Json) -> Iterator[Json]:
        try:
            yield from self._api.pages("traces", "traces", asked, get=True, api=V2)
        except NotFoundError:  # before MLflow 2.14
            return

    def _links(self, experiment: str) -> dict[str, list[str]]:
        """The runs to which each trace was linked later: nothing tells them of a trace, so each run is asked for its traces."""
        found: dict[str, list[str]] = {}
        asked = {"experiment_ids": [experiment], "run_view_type": "ALL", "max_results": _RUNS}
        for one in self._api.pages("runs/search", "runs", asked):
            run = str(one.get("info", {}).get("run_id"))
            for info in self._infos(experiment, f"run_id = '{run}'"):
                found.setdefault(_id(info), []).append(run)
        return found

    def _files(self, info: Json) -> Iterator[SourceFile]:
        trace = _id(info)
        target = f"/ajax-api/2.0/mlflow/get-trace-artifact?{urlencode({'request_id': trace})}"
        try:
            size, content = self._api.measured(target, _IN_MEMORY)
            yield SourceFile(
                SPANS, size, partial(_given, content) if content is not None else partial(self._api.content, target)
            )
        except (InvalidError, NotFoundError, UnavailableError) as wrong:
            if info.get("state", info.get("status")) != "IN_PROGRESS":
                self._tell(f"trace {trace[:100]}", f"its spans cannot be fetched: {wrong.message[:300]}")
        yield from (file for file in self._tree(_place(info), trace) if file.path != SPANS)


def _id(info: Json) -> str:
    return str(info.get("trace_id") or info.get("request_id"))


def _place(info: Json) -> str:
    tags = info.get("tags") or {}
    if isinstance(tags, dict):
        return str(tags.get(PLACE) or "")
    return next((str(one.get("value")) for one in tags if one.get("key") == PLACE), "")


def _given(content: bytes) -> Iterator[bytes]:
    yield content
