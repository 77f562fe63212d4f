"""A job as a run of the run history: what the SDK streams by, and how it shows the steps of a pipeline."""

import string
from collections.abc import Iterator

from regista.dialects.azureml.call import Json
from regista.dialects.azureml.errors import error_body
from regista.dialects.azureml.jobs.rendering import properties_of, status_of
from regista.dialects.azureml.jobs.view import View
from regista.dialects.azureml.render import when
from regista.entities.access import Permission
from regista.entities.datastore import jobs_container
from regista.entities.job import Job, JobStatus, JobType
from regista.entities.names import now
from regista.services.jobs.shelf import LOG, RUNS
from regista.services.jobs.sources import job_path

LOG_SECONDS = 3600.0
_SHORT = 15_000
"""Milliseconds: the SDK prints no log of a job that has ended when it looks for the first time."""

_DATA = ("uri_file", "uri_folder", "mltable")
_MOST_LOGS = 200
_SMALL_DIGITS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
"""The SDK takes a log with digits in its name for one of another rank, and does not print it."""


def run(view: View, job: Job, tags: dict[str, str]) -> Json:
    """A run."""
    return {
        **_common(view, job, tags),
        "experimentId": view.experiment(job),
        "displayName": job.display_name,
        "name": job.name,
        "description": job.description or None,
        "hidden": job.archived,
        "runType": {"pipeline": "azureml.PipelineRun", "command": "azureml.StepRun"}.get(job.type, "azureml.scriptrun"),
        "createdUtc": when(job.created_at),
        "createdFrom": None,
        "jobSpecification": None,
    }


def details(view: View, job: Job, tags: dict[str, str]) -> Json:
    """A run with its logs, each under an address that needs no credential."""
    return {
        **_common(view, job, tags),
        "status": "Finalizing" if _is_news(job) else status_of(job),
        "createdTimeUtc": when(job.created_at),
        "logFiles": dict(_logs(view, job)),
        "warnings": [],
    }


def _is_news(job: Job) -> bool:
    """Whether a short job has ended so lately that the SDK, which takes seconds to look at what it has just submitted, would
    print nothing of it: it is told that the job is finalizing, looks again, and prints all."""
    return job.status.is_final and job.ended_at is not None and now() < job.created_at + _SHORT


def _common(view: View, job: Job, tags: dict[str, str]) -> Json:
    status = status_of(job)
    return {
        "runId": job.name,
        "parentRunId": job.parent or None,
        "rootRunId": job.root or job.name,
        "status": status,
        "startTimeUtc": when(job.started_at),
        "endTimeUtc": when(job.ended_at),
        "lastModifiedUtc": when(job.updated_at),
        "target": job.compute or None,
        "compute": {"target": job.compute} if job.compute else None,
        "createdBy": {"userName": job.created_by},
        "tags": tags,
        "properties": properties_of(job),
        "parameters": {},
        "services": {},
        "error": {"error": error_body("UserError", job.error or "the job has failed: see its log")}
        if job.status is JobStatus.FAILED
        else None,
        "outputs": outputs(view, job),
    }


def outputs(view: View, job: Job) -> Json:
    """The outputs that a job has left, by ids that ``batchGetResolvedUris`` knows. Models are called folders: the SDK
    (1.35.2) fails when it is to resolve a model."""
    return {
        name: {"assetId": output_id(view, job, name), "type": one.type if one.type in _DATA else "uri_folder"}
        for name, one in job.outputs.items()
        if one.manifest is not None and name not in {"artifacts", "default"}
    }


def output_id(view: View, job: Job, output: str) -> str:
    """The id of an output: a reference to it."""
    scope = view.scope
    where = f"subscriptions/{scope.subscription}/resourcegroups/{scope.resource_group}/workspaces/{scope.name}"
    return f"azureml://{where}/jobs/{job.name}/outputs/{output}"


def _logs(view: View, job: Job) -> Iterator[tuple[str, str]]:
    """A command's own log; those of the steps of a pipeline in the order in which they began, with the names of the nodes."""
    call = view.call
    if job.type is JobType.RUN or not call.caller.allows(Permission.JOBS_LOGS, job_path(view.scope, job.name)):
        return
    if job.type is JobType.COMMAND:
        yield f"user_logs/{LOG}", _log_url(view, job)
        return
    steps = [
        step
        for step in call.house.jobs.children(call.caller, call.address, job.name)
        if step.type is JobType.COMMAND and (step.started_at or step.reused_from)
    ]
    for index, step in enumerate(sorted(steps, key=lambda one: one.started_at or one.created_at)[:_MOST_LOGS]):
        name = f"{_letters(index)}_{step.node}".translate(_SMALL_DIGITS)
        yield f"user_logs/std_log_{name}.txt", _log_url(view, step)


def _letters(index: int) -> str:
    """``a`` to ``y``, then ``za`` to ``zy`` and so on: in alphabetical order."""
    many, last = divmod(index, 25)
    return "z" * many + string.ascii_lowercase[last]


def _log_url(view: View, job: Job) -> str:
    call = view.call
    container, path = jobs_container(view.scope.id), f"{RUNS}{job.name}/user_logs/{LOG}"
    token = call.house.signatures.issue(call.caller, container, "r", path=path, seconds=LOG_SECONDS)
    return f"{call.base}/{container}/{path}?{token}"
