"""Jobs as resources: submit, change, list, cancel, delete."""

from collections.abc import Callable
from typing import Any

import msgspec

from regista.dialects.azureml.call import Answer, Call, Json, Level, listed
from regista.dialects.azureml.jobs.documents import read_job
from regista.dialects.azureml.jobs.rendering import rendered
from regista.dialects.azureml.jobs.spelling import fields, mapping
from regista.dialects.azureml.jobs.stored import locate
from regista.dialects.azureml.jobs.view import View
from regista.dialects.azureml.operations import accepted, progress
from regista.dialects.azureml.routing import Route
from regista.entities.job import Job
from regista.entities.page import Page
from regista.errors import InvalidError, NotFoundError
from regista.services.jobs.jobs import JobChange

_SAID = {"display_name", "description", "tags", "properties"}


def put(call: Call, name: str) -> Answer:
    """Submit a job, or change what is said about one that is there; another job under a name that is taken is refused."""
    properties = call.properties(Json)
    try:
        there = call.house.jobs.get(call.caller, call.address, name)
    except NotFoundError:
        job = _submitted(call, name, properties)
        return Answer(201, _one(call, job))
    shown_now = _one(call, there)
    if _work(properties) == _work(shown_now["properties"]):
        return Answer(200, _one(call, changed(call, name, change_of(properties, shown_now["properties"]))))
    return Answer(200, _one(call, _submitted(call, name, properties)))


def get(call: Call, name: str) -> Answer:
    """One job, step or run."""
    return Answer(200, _one(call, call.house.jobs.get(call.caller, call.address, name)))


def page(call: Call) -> Answer:
    """Jobs and runs, newest first, without steps. ``jobType`` and ``tag`` choose among them; no schedule makes any, nor does
    the import of an asset (``assetName``)."""
    if call.asked("scheduled") == "true" or call.asked("scheduleId") or call.asked("assetName"):
        return Answer(200, {"value": []})
    found = call.house.jobs.page(call.caller, call.address, call.page, archived=call.archived)
    tags = call.house.jobs.tags(call.caller, call.address, found.items) if found.items else {}
    view = View(call)
    wanted = _wanted(call)
    items = [rendered(view, job, tags.get(job.name, {})) for job in found.items]
    return listed(call, Page(tuple(filter(wanted, items)), found.next), lambda item: item)


def cancel(call: Call, name: str) -> Answer:
    """Have a job end; it is asked for again until it has."""
    job = call.house.jobs.cancel(call.caller, call.address, name)
    if job.status.is_final:
        return Answer(200)
    return accepted(call, f"{View(call).job_id(name)}/cancellation", status=202)


def cancellation(call: Call, name: str) -> Answer:
    """How far a cancellation is; it has succeeded when the job has ended, however it did."""
    job = call.house.jobs.get(call.caller, call.address, name)
    return progress(call.path, "Succeeded" if job.status.is_final else "InProgress")


def delete(call: Call, name: str) -> Answer:
    """Delete a job that has ended; 204 when there is none."""
    try:
        call.house.jobs.get(call.caller, call.address, name)
    except NotFoundError:
        return Answer(204)
    call.house.runs.delete(call.caller, call.address, name)
    return Answer(200)


def changed(call: Call, name: str, change: JobChange) -> Job:
    """The job with the change, where there is any."""
    if change == JobChange():
        return call.house.jobs.get(call.caller, call.address, name)
    return call.house.jobs.update(call.caller, call.address, name, change)


def change_of(asked: Json, there: Json) -> JobChange:
    """What is said anew about a job, by what is shown of it."""
    given = fields(asked, "properties")
    now = fields(there, "properties")
    tags = _texts(given.get("tags"), "tags")
    properties = _texts(given.get("properties"), "properties")
    fresh = {key: value for key, value in properties.items() if now["properties"].get(key) != value}
    return JobChange(
        display_name=_new(given, now, "display_name", str),
        description=_new(given, now, "description", str),
        tags={key: value for key, value in tags.items() if now["tags"].get(key) != value} or None,
        properties=fresh or None,
        archived=_new(given, now, "is_archived", bool),
    )


def _new(given: Json, now: Json, key: str, kind: type[Any]) -> Any:
    value = given.get(key)
    if value is None or value == now.get(key):
        return None
    if not isinstance(value, kind):
        raise InvalidError(f"{key}: {str(value)[:80]!r} does not fit")
    return value


def _texts(value: object, where: str) -> dict[str, str]:
    try:
        return msgspec.convert(mapping(value, where), dict[str, str], strict=False)
    except msgspec.ValidationError as wrong:
        raise InvalidError(f"{where}: {wrong}") from wrong


def _submitted(call: Call, name: str, properties: Json) -> Job:
    submission = read_job(properties, lambda uri, kind, where: locate(call, uri, kind, where))
    job = call.house.jobs.submit(call.caller, call.address, submission.whole, name=name)
    if properties.get("isArchived") is True and not job.archived:
        return call.house.jobs.update(call.caller, call.address, name, JobChange(archived=True))
    return job


def _work(properties: Json) -> Json:
    """What a job does, without what is merely said about it. Two bodies of the same job have the same."""
    document = read_job(properties, lambda uri, *_: uri).document
    return {key: _normal(value) for key, value in document.items() if key not in _SAID}


def _normal(value: Any) -> Any:
    """Ids of resources are the same in any case; an empty text is as good as none."""
    if isinstance(value, dict):
        inner = {key: _normal(one) for key, one in value.items()}
        return {key: one for key, one in inner.items() if one not in (None, "", {})}
    return value.lower() if isinstance(value, str) and value.lower().startswith("/subscriptions/") else value


def _one(call: Call, job: Job) -> Json:
    tags = call.house.jobs.tags(call.caller, call.address, (job,))
    return rendered(View(call), job, tags.get(job.name, {}))


def _wanted(call: Call) -> Callable[[Json], bool]:
    kind, tag = call.asked("jobType").lower(), call.asked("tag")
    key, equals, value = tag.partition("=")

    def fits(item: Json) -> bool:
        properties = item["properties"]
        if kind and properties["jobType"].lower() != kind:
            return False
        return not tag or (key in properties["tags"] and (not equals or properties["tags"][key] == value))

    return fits


ROUTES = (
    Route("GET", (Level.WORKSPACE,), "jobs", page),
    Route("PUT", (Level.WORKSPACE,), "jobs/{name}", put),
    Route("GET", (Level.WORKSPACE,), "jobs/{name}", get),
    Route("DELETE", (Level.WORKSPACE,), "jobs/{name}", delete),
    Route("POST", (Level.WORKSPACE,), "jobs/{name}/cancel", cancel),
    Route("GET", (Level.WORKSPACE,), "jobs/{name}/cancellation", cancellation),
)
