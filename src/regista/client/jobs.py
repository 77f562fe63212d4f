"""Jobs of a workspace, from the client's side: submitted, looked at, followed, and what they left."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import msgspec

from regista.client.documents import apply_overrides, load_document
from regista.client.embedding import Embedder
from regista.client.paging import pages
from regista.client.progress import progress_for
from regista.client.records import JobRecord, fetch_history, fetch_record, fetch_thinned, read_table
from regista.client.transfer import download
from regista.entities.job import Job, JobStatus, JobType
from regista.entities.manifest import Manifest
from regista.entities.names import new_id
from regista.entities.page import Page
from regista.entities.run import Metric
from regista.errors import InvalidError

if TYPE_CHECKING:
    import pyarrow as pa

    from regista.client.session import Regista

T = TypeVar("T")

_WAIT = 20
_FIRST_LOOK, _LOOK = 0.03, 0.25
"""Seconds between two looks at a pipeline: close together after something was new."""


class TaggedJob(Job, frozen=True, kw_only=True):
    """A job with its tags."""

    tags: dict[str, str]


class Line(msgspec.Struct, frozen=True):
    """Something that happened to a job that is followed: ``text`` that it printed, or the ``status`` that it came to.

    ``step`` is the path of the step that it happened to, "" for the job itself."""

    step: str
    text: str = ""
    status: JobStatus | None = None
    job: TaggedJob | None = None


class JobClient:
    """Jobs in the client's workspace."""

    def __init__(self, session: "Regista") -> None:
        self._session = session

    @property
    def _base(self) -> str:
        return f"/api/v1/{self._session.scope_path}/jobs"

    def create(
        self, file: Path | None = None, *, name: str = "", overrides: tuple[str, ...] = (), **fields: Any
    ) -> TaggedJob:
        """Submit the job of a YAML *file*, of *fields* of the same names, or of the file with the fields above it.

        Local paths in it are uploaded. The same job under the same name again is a quiet success; without a name it gets a
        new one."""
        document = load_document(file) if file else {}
        document = apply_overrides(document | fields, overrides)
        folder = file.resolve().parent if file else Path.cwd()
        Embedder(self._session.transport, self._session.scope_path).embed(document, "job", folder)
        # With a name that is known here, an answer that was lost on its way can be asked for again.
        name = name or str(document.get("name") or "") or new_id()
        return self._call("POST", "", type=TaggedJob, body=document, query={"name": name}, idempotent=True)

    def get(self, name: str) -> TaggedJob:
        """A job, a step or a run by its name."""
        return self._call("GET", f"/{_part(name)}", type=TaggedJob)

    def list(self, *, parent: str = "", show: str = "active", steps: bool = False) -> Iterator[TaggedJob]:
        """Jobs, newest first: those of one pipeline with *parent*, steps of all with *steps*."""
        query = {"show": show, "parent": parent or None, "steps": True if steps else None}
        return pages(self._session.transport, self._base, Page[TaggedJob], query)

    def children(self, name: str) -> tuple[TaggedJob, ...]:
        """The steps of a pipeline job that have begun, oldest first."""
        return self._call("GET", f"/{_part(name)}/children", type=Page[TaggedJob]).items

    def record(self, name: str) -> JobRecord:
        """Metrics (the latest value of each), parameters, tags and data sets of a job, step or run, and of what ran in it."""
        return fetch_record(self._session.transport, f"{self._base}/{_part(name)}/record")

    def history(self, name: str, metric: str) -> Iterator[Metric]:
        """All values of a metric in the order of step, timestamp, value; nothing for one that was never logged."""
        return fetch_history(self._session.transport, f"{self._base}/{_part(name)}/history", metric)

    def thinned(self, name: str, metric: str, points: int) -> tuple[Metric, ...]:
        """A history for a plot, in no more than *points* values: the first, the last, and of groups the least and the
        greatest."""
        return fetch_thinned(self._session.transport, f"{self._base}/{_part(name)}/history", metric, points)

    def columns(self, name: str, metric: str = "", *, form: str = "parquet") -> Iterator[bytes]:
        """Every value of a metric ("": of all) of a job and of what ran in it, as the pieces of a Parquet file or, with the
        *form* ``arrow``, of an Arrow stream. The columns are node, metric, step, timestamp and value."""
        query = {"metric": metric or None, "form": form}
        return self._session.transport.stream_down(f"{self._base}/{_part(name)}/columns", query=query)

    def table(self, name: str, metric: str = "") -> "pa.Table":
        """The same as a table of pyarrow, which the extra ``columns`` installs."""
        return read_table(self.columns(name, metric, form="arrow"))

    def cancel(self, name: str) -> TaggedJob:
        """Have it end; quiet for one that has ended."""
        return self._call("POST", f"/{_part(name)}/cancel", type=TaggedJob, idempotent=True)

    def update(self, name: str, **changes: Any) -> TaggedJob:
        """Change display_name, description, tags (added to those there are) or archived."""
        given = {key: value for key, value in changes.items() if value is not None}
        if not given:
            raise InvalidError("nothing was given to change", hint="Such as --description or --tags.")
        return self._call("PATCH", f"/{_part(name)}", type=TaggedJob, body=given, idempotent=True)

    def archive(self, name: str) -> TaggedJob:
        """Hide it from lists."""
        return self.update(name, archived=True)

    def restore(self, name: str) -> TaggedJob:
        """Undo ``archive``."""
        return self.update(name, archived=False)

    def log(self, name: str, offset: int = 0, *, wait: float = 0) -> bytes:
        """What it printed from byte *offset*, at most a mebibyte; where that is nothing yet, stay up to *wait* seconds."""
        query = {"offset": offset, "wait": wait or None}
        return self._session.transport.fetch(f"{self._base}/{_part(name)}/log", query=query)

    def manifest(self, name: str, output: str) -> Manifest:
        """The files of an output."""
        place = f"{self._base}/{_part(name)}/outputs/{_part(output)}/manifest"
        return Manifest.parse(self._session.transport.fetch(place))

    def download(self, name: str, output: str, target: Path, *, overwrite: bool = False) -> Manifest:
        """Bring the files of an output into the folder *target*, each verified; ``artifacts`` is what it left in ./outputs
        and logged."""
        place = f"{self._session.scope_path}/jobs/{_part(name)}/outputs/{_part(output)}"
        bar = progress_for(f"Downloading {output}")
        return download(self._session.transport, place, target, overwrite=overwrite, progress=bar)

    def follow(self, name: str) -> Iterator[Line]:
        """Everything that it and its steps print and come to, from the beginning, as it happens, until it has ended."""
        job = self.get(name)
        return _follow_steps(self, job) if job.type is JobType.PIPELINE else _follow(self, job)

    def _call(self, method: str, tail: str, *, type: type[T], **options: Any) -> T:  # noqa: A002
        return self._session.transport.call(method, self._base + tail, type=type, **options)


class _Log:
    """The log of one job as lines; what has no end of line yet is kept for the next time."""

    def __init__(self, jobs: JobClient, name: str) -> None:
        self._jobs, self._name = jobs, name
        self._offset, self._rest = 0, b""

    def read(self, *, wait: float = 0) -> Iterator[str]:
        """The lines that have come since the last time."""
        while chunk := self._jobs.log(self._name, self._offset, wait=wait):
            wait, self._offset = 0, self._offset + len(chunk)
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            for line in lines:
                yield _text(line)

    def last(self) -> Iterator[str]:
        """What is left when no more will come."""
        yield from self.read()
        if self._rest:
            yield _text(self._rest)
            self._rest = b""


def _follow(jobs: JobClient, job: TaggedJob) -> Iterator[Line]:
    log, seen = _Log(jobs, job.name), None
    while True:
        job = jobs.get(job.name)
        if job.status is not seen and not job.status.is_final:
            yield Line("", status=job.status, job=job)
            seen = job.status
        for text in log.last() if job.status.is_final else log.read(wait=_WAIT if seen is JobStatus.RUNNING else 1):
            yield Line("", text)
        if job.status.is_final:
            yield Line("", status=job.status, job=job)
            return


def _follow_steps(jobs: JobClient, root: TaggedJob) -> Iterator[Line]:
    logs: dict[str, _Log] = {}
    seen: dict[str, JobStatus] = {}
    look = _FIRST_LOOK
    while True:
        before = dict(seen)
        root = jobs.get(root.name)  # before its steps: when it has ended they have, and none is missed
        for path, step in _below(jobs, root.name, "", seen):
            log = logs.setdefault(step.name, _Log(jobs, step.name))
            if step.type is not JobType.PIPELINE:
                for text in log.last() if step.status.is_final else log.read():
                    yield Line(path, text)
            if seen.get(step.name) is not step.status:
                seen[step.name] = step.status
                yield Line(path, status=step.status, job=step)
        if seen.get(root.name) is not root.status:
            seen[root.name] = root.status
            yield Line("", status=root.status, job=root)
        if root.status.is_final:
            return
        look = _FIRST_LOOK if seen != before else min(_LOOK, look * 1.5)
        time.sleep(look)


def _below(jobs: JobClient, name: str, path: str, seen: dict[str, JobStatus]) -> Iterator[tuple[str, TaggedJob]]:
    """The steps below a job that may have something new to say, each with its path."""
    for step in jobs.children(name):
        place = f"{path}/{step.node}" if path else step.node
        told = seen.get(step.name)
        if told is not None and told.is_final:
            continue
        if step.type is JobType.PIPELINE:
            yield from _below(jobs, step.name, place, seen)
        yield place, step


def _text(line: bytes) -> str:
    """A line for a terminal; of one that was drawn over and over (a progress bar), the last."""
    return line.rstrip(b"\r").rpartition(b"\r")[2].decode(errors="replace")


def _part(text: str) -> str:
    return quote(text, safe="")
