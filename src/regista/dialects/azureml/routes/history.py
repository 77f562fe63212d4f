"""The run history, as far as the SDK asks it: runs, their details, the children of pipelines, and changes of what is said."""

from regista.dialects.azureml.call import Answer, Call, Json, Level
from regista.dialects.azureml.jobs import history
from regista.dialects.azureml.jobs.view import View
from regista.dialects.azureml.routes.jobs import change_of, changed
from regista.dialects.azureml.routing import Route
from regista.entities.job import Job
from regista.errors import NotFoundError

_IN_EXPERIMENT = "experiments/{experiment}/runs/{name}"


def get(call: Call, name: str, experiment: str = "") -> Answer:
    """One run."""
    return Answer(200, _run(call, _found(call, name, experiment)))


def details(call: Call, name: str, experiment: str = "") -> Answer:
    """One run with its logs and, when it failed, why."""
    job = _found(call, name, experiment)
    return Answer(200, history.details(View(call), job, _tags(call, job)))


def children(call: Call, name: str, experiment: str = "") -> Answer:
    """The steps that a pipeline has made so far, oldest first."""
    _found(call, name, experiment)
    steps = tuple(call.house.jobs.children(call.caller, call.address, name))
    tags = call.house.jobs.tags(call.caller, call.address, steps) if steps else {}
    view = View(call)
    top = call.asked("$top")
    most = int(top) if top.isdecimal() and len(top) < 10 else len(steps)
    value = [history.run(view, step, tags.get(step.name, {})) for step in steps[:most]]
    return Answer(200, {"value": value, "continuationToken": None, "nextLink": None})


def patch(call: Call, name: str, experiment: str = "") -> Answer:
    """Change what is said about a run, or hide it; tags and properties are added to those that there are."""
    job = _found(call, name, experiment)
    body = call.body(Json)
    asked = {key: body.get(key) for key in ("displayName", "description", "tags", "properties")}
    there = {"displayName": job.display_name, "description": job.description, "isArchived": job.archived,
             "tags": _tags(call, job), "properties": job.properties}  # fmt: skip
    change = change_of({**asked, "isArchived": body.get("hidden")}, there)
    return Answer(200, _run(call, changed(call, name, change)))


def services(call: Call, name: str, node: str) -> Answer:
    """The interactive services of a job, of which there are none."""
    del node
    _found(call, name, "")
    return Answer(200, {"instances": {}})


def _found(call: Call, name: str, experiment: str) -> Job:
    job = call.house.jobs.get(call.caller, call.address, name)
    if experiment and View(call).experiment(job).lower() != experiment.lower():
        raise NotFoundError(f"there is no run {name[:80]!r} in experiment {experiment[:80]!r}")
    return job


def _tags(call: Call, job: Job) -> dict[str, str]:
    return call.house.jobs.tags(call.caller, call.address, (job,)).get(job.name, {})


def _run(call: Call, job: Job) -> Json:
    return history.run(View(call), job, _tags(call, job))


ROUTES = (
    *(
        Route(method, (Level.WORKSPACE,), f"{template}{tail}", handler, service="history")
        for template in ("runs/{name}", _IN_EXPERIMENT)
        for method, tail, handler in (
            ("GET", "", get),
            ("PATCH", "", patch),
            ("GET", "/details", details),
            ("GET", "/children", children),
        )
    ),
    Route("GET", (Level.WORKSPACE,), "runs/{name}/serviceinstances/{node}", services, service="history"),
)
