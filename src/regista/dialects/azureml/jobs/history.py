"""A job as a run of the run history: what the SDK streams by, and how it shows the steps of a pipeline."""

import re
import string
from collections.abc import Iterator

from regista.dialects.azureml.call import Json
from regista.dialects.azureml.errors import error_body
from regista.dialects.azureml.jobs.looks import LOOKS
from regista.dialects.azureml.jobs.rendering import properties_of, status_of
from regista.dialects.azureml.jobs.view import View
from regista.dialects.azureml.render import when
from regista.entities.access import Permission
from regista.entities.datastore import jobs_container
from regista.entities.graph import MAX_NESTING
from regista.entities.job import Job, JobStatus, JobType
from regista.services.jobs.shelf import LOG, RUNS
from regista.services.jobs.sources import job_path

LOG_SECONDS = 3600.0
_DATA = {"uri_file": "UriFile", "uri_folder": "UriFolder", "mltable": "MLTable"}
_SDK = re.compile(r"azure-ai-ml/(\d{1,4})\.(\d{1,4})")
_RENAMED = (1, 35)
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
    """A run with its logs, each under an address that needs no credential. See ``Looks`` for its status."""
    ended = job.status.is_final
    sees = LOOKS.may_see_end(view.call.caller.principal.id, job.id, ended=ended) or not ended
    return {
        **_common(view, job, tags),
        "status": status_of(job) if sees else "Finalizing",
        "createdTimeUtc": when(job.created_at),
        "logFiles": dict(_logs(view, job)),
        "warnings": [],
    }


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
    (1.35.2) fails when it is to resolve a model. Older ones know the types by other names."""
    version = _SDK.search(view.call.headers.get("user-agent", ""))
    old = version is not None and (int(version[1]), int(version[2])) < _RENAMED
    spelled = _DATA if old else {name: name for name in _DATA}
    return {
        name: {"assetId": output_id(view, job, name), "type": spelled.get(one.type, spelled["uri_folder"])}
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
    if job.type is JobType.RUN or not view.call.caller.allows(Permission.JOBS_LOGS, job_path(view.scope, job.name)):
        return
    if job.type is JobType.COMMAND:
        yield f"user_logs/{LOG}", _log_url(view, job)
        return
    steps = sorted(_commands(view, job, "", 0), key=lambda one: one[1].started_at or one[1].created_at)
    for index, (path, step) in enumerate(steps[:_MOST_LOGS]):
        name = f"{_letters(index)}_{path}".translate(_SMALL_DIGITS)
        yield f"user_logs/std_log_{name}.txt", _log_url(view, step)


def _commands(view: View, job: Job, path: str, depth: int) -> Iterator[tuple[str, Job]]:
    """The commands that have begun in a pipeline and in those inside it, each by its path."""
    call = view.call
    for step in call.house.jobs.children(call.caller, call.address, job.name):
        here = f"{path}.{step.node}" if path else step.node
        if step.type is JobType.COMMAND and (step.started_at or step.reused_from):
            yield here, step
        elif step.type is JobType.PIPELINE and depth < MAX_NESTING:
            yield from _commands(view, step, here, depth + 1)


def _letters(index: int) -> str:
    """``a`` to ``y``, then ``za`` to ``zy`` and so on: in alphabetical order."""
    many, last = divmod(index, 25)
    return "z" * many + string.ascii_lowercase[last]


def _log_url(view: View, job: Job) -> str:
    call = view.call
    container, path = jobs_container(view.scope.id), f"{RUNS}{job.name}/user_logs/{LOG}"
    token = call.house.signatures.issue(call.caller, container, "r", path=path, seconds=LOG_SECONDS)
    return f"{call.base}/{container}/{path}?{token}"
