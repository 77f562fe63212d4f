"""Jobs of a workspace: submit, look, cancel; their logs while they run, and what they left."""

import time
from collections.abc import Sequence
from typing import Any

import anyio
from litestar import Request, Response, get, patch, post
from litestar.handlers import BaseRouteHandler
from litestar.response import Stream

from regista.dialects.native.columns import MEDIA_TYPES, encoded
from regista.dialects.native.job_wire import (
    JobRecordView,
    JobView,
    JobViews,
    MetricViews,
    metrics_of,
    record_of,
    view_of,
)
from regista.dialects.native.ranges import file_response
from regista.entities.access import Caller
from regista.entities.job import Job
from regista.entities.page import Page, PageRequest
from regista.entities.scope import ScopeAddress
from regista.errors import InvalidError
from regista.services.content.handovers import Ticket
from regista.services.house import House
from regista.services.jobs.files import LONGEST_WAIT
from regista.services.jobs.jobs import JobChange

_ARCHIVED: dict[str, bool | None] = {"active": False, "archived": True, "all": None}
_FIRST_LOOK, _LOOK = 0.01, 0.1
"""Seconds between two looks at a log: close together at first, for most commands that print nothing yet are about to."""


def _view(house: House, caller: Caller, address: ScopeAddress, job: Job) -> JobView:
    return _views(house, caller, address, (job,))[0]


def _views(house: House, caller: Caller, address: ScopeAddress, jobs: tuple[Job, ...]) -> tuple[JobView, ...]:
    tags = house.jobs.tags(caller, address, jobs) if jobs else {}
    return tuple(view_of(job, tags.get(job.name, {})) for job in jobs)


@post("/jobs", sync_to_thread=True)
def submit_job(
    caller: Caller, house: House, address: ScopeAddress, data: dict[str, Any], name: str | None = None
) -> JobView:
    """Run the job of a document in the shape of its YAML; ``name`` stands above the document's."""
    return _view(house, caller, address, house.jobs.submit(caller, address, data, name=name))


@get("/jobs", sync_to_thread=True)
def list_jobs(
    caller: Caller,
    house: House,
    address: ScopeAddress,
    page: PageRequest,
    show: str = "active",
    parent: str = "",
    steps: bool = False,
) -> JobViews:
    """Jobs, newest first: without steps, with them (``steps``), or those of one pipeline job (``parent``)."""
    if show not in _ARCHIVED:
        raise InvalidError(f"show is one of {', '.join(_ARCHIVED)}, not {show[:50]!r}")
    whose = None if steps and not parent else parent
    found = house.jobs.page(caller, address, page, parent=whose, archived=_ARCHIVED[show])
    return JobViews(_views(house, caller, address, found.items), found.next)


@get("/jobs/{name:str}", sync_to_thread=True)
def get_job(caller: Caller, house: House, address: ScopeAddress, name: str) -> JobView:
    """One job, step or run."""
    return _view(house, caller, address, house.jobs.get(caller, address, name))


@get("/jobs/{name:str}/children", sync_to_thread=True)
def list_children(caller: Caller, house: House, address: ScopeAddress, name: str) -> JobViews:
    """The steps of a pipeline job that have been made so far, oldest first."""
    return JobViews(_views(house, caller, address, tuple(house.jobs.children(caller, address, name))))


@post("/jobs/{name:str}/cancel", sync_to_thread=True, status_code=200)
def cancel_job(caller: Caller, house: House, address: ScopeAddress, name: str) -> JobView:
    """Have a job end; the answer comes before it has."""
    return _view(house, caller, address, house.jobs.cancel(caller, address, name))


@patch("/jobs/{name:str}", sync_to_thread=True)
def update_job(caller: Caller, house: House, address: ScopeAddress, name: str, data: JobChange) -> JobView:
    """Change display name, description, tags or archived."""
    return _view(house, caller, address, house.jobs.update(caller, address, name, data))


@get("/jobs/{name:str}/record", sync_to_thread=True)
def get_record(caller: Caller, house: House, address: ScopeAddress, name: str) -> JobRecordView:
    """The latest value of each metric, parameters, tags and data sets of a job, step or run, and of what ran in it."""
    return record_of(house.runs.with_steps(caller, address, name))


@get("/jobs/{name:str}/history", sync_to_thread=True)
def get_history(
    caller: Caller,
    house: House,
    address: ScopeAddress,
    page: PageRequest,
    name: str,
    metric: str,
    points: int | None = None,
) -> MetricViews:
    """All values of a metric in the order of step, timestamp, value; none for one that was never logged.

    With ``points`` no pages but at most so many values of all, for a plot: the first, the last, and of groups of equally many
    the least and the greatest (see ``services/tracking/thinning.py``)."""
    house.jobs.get(caller, address, name)
    if points is not None:
        return metrics_of(Page(tuple(house.histories.thinned(caller, address, name, metric, points))))
    return metrics_of(house.runs.history(caller, address, name, metric, page))


@get("/jobs/{name:str}/columns", sync_to_thread=True)
def get_columns(
    caller: Caller, house: House, address: ScopeAddress, name: str, metric: str = "", form: str = "parquet"
) -> Stream:
    """Every value of a metric, or of all, of a job and of what ran in it: a table as a Parquet file or as an Arrow stream
    (``form``), with the columns node, metric, step, timestamp and value."""
    pieces = encoded(house.histories.columns(caller, address, name, metric), form)
    headers = {"X-Content-Type-Options": "nosniff", "Content-Disposition": "attachment"}
    return Stream(pieces, media_type=MEDIA_TYPES[form], headers=headers)


@get("/jobs/{name:str}/log")
async def get_log(
    caller: Caller, house: House, address: ScopeAddress, name: str, offset: int = 0, wait: float = 0.0
) -> Response[bytes]:
    """Bytes of stdout and stderr from ``offset``; where there is none yet, the answer waits up to ``wait`` seconds.

    ``X-Offset`` says where to go on, ``X-Final: true`` that nothing more will come."""
    deadline = time.monotonic() + (min(wait, LONGEST_WAIT) if wait > 0 else 0)  # NaN waits for nothing
    look = _FIRST_LOOK
    while True:
        chunk = await anyio.to_thread.run_sync(lambda: house.job_files.log(caller, address, name, offset))
        left = deadline - time.monotonic()
        if chunk.content or chunk.final or left <= 0:
            break
        await anyio.sleep(min(look, left))  # here and not in a thread: many may be following
        look = min(_LOOK, look * 1.5)
    headers = {
        "X-Offset": str(chunk.next),
        "X-Final": "true" if chunk.final else "false",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(chunk.content, media_type="text/plain; charset=utf-8", headers=headers)


@get("/jobs/{name:str}/outputs/{output:str}/manifest", sync_to_thread=True)
def get_output(caller: Caller, house: House, address: ScopeAddress, name: str, output: str) -> Response[bytes]:
    """The files of an output, canonical; ``artifacts`` is what the job left in ./outputs and logged."""
    return Response(house.job_files.manifest(caller, address, name, output).encode(), media_type="application/json")


@get("/jobs/{name:str}/outputs/{output:str}/files/{path:path}", sync_to_thread=True)
def get_output_file(
    request: Request[Any, Any, Any],
    caller: Caller,
    house: House,
    address: ScopeAddress,
    name: str,
    output: str,
    path: str,
) -> Stream:
    """One file of an output, whole or in a range."""
    opened = house.job_files.open(caller, address, name, output, path.strip("/"))
    return file_response(opened, request.headers.get("range", ""))


@post("/jobs/{name:str}/outputs/{output:str}/handover/{path:path}", sync_to_thread=True)
def hand_over_output_file(
    caller: Caller, house: House, address: ScopeAddress, name: str, output: str, path: str
) -> Ticket:
    """A ticket to fetch one file of an output as an open file, for a caller on the server's own machine."""
    opened = house.job_files.open(caller, address, name, output, path.strip("/"))
    return house.handovers.fetch(caller, opened)


HANDLERS: Sequence[BaseRouteHandler] = (
    submit_job,
    list_jobs,
    get_job,
    list_children,
    cancel_job,
    update_job,
    get_record,
    get_history,
    get_columns,
    get_log,
    get_output,
    get_output_file,
    hand_over_output_file,
)
