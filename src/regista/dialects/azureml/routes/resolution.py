"""From the ids of outputs to where their files are."""

import msgspec

from regista.dialects.azureml.call import Answer, Call, Json, Level
from regista.dialects.azureml.jobs.view import View
from regista.dialects.azureml.routing import Route
from regista.entities.reference import JobOutputReference, parse_reference
from regista.errors import InvalidError, NotFoundError

_MOST = 1000


class Request(msgspec.Struct):
    """The ids."""

    values: list[str] = []


def data(call: Call) -> Answer:
    """Where outputs that are data are."""
    return _resolved(call, "uri")


def models(call: Call) -> Answer:
    """Where outputs that are models are."""
    return _resolved(call, "path")


def _resolved(call: Call, key: str) -> Answer:
    """Of each id its place; what cannot be found is left out, as the SDK expects."""
    asked = call.body(Request).values
    if len(asked) > _MOST:
        raise InvalidError(f"at most {_MOST} ids are resolved at once")
    view = View(call)
    found: Json = {}
    for text in asked:
        try:
            uri, kind = _place(view, text)
        except (NotFoundError, InvalidError):
            continue
        found[text] = {key: uri, "type": kind}
    return Answer(200, {"values": found})


def _place(view: View, text: str) -> tuple[str, str]:
    reference = parse_reference(text)
    if not isinstance(reference, JobOutputReference):
        raise NotFoundError(f"{text[:200]!r} is no output of a job")
    job = view.call.house.jobs.get(view.call.caller, view.call.address, reference.job)
    if reference.output not in job.outputs:
        raise NotFoundError(f"job {job.name!r} left no output {reference.output!r}")
    return view.output_uri(job, reference.output), job.outputs[reference.output].type or "uri_folder"


ROUTES = (
    Route("POST", (Level.WORKSPACE,), "dataversion/batchGetResolvedUris", data, service="data"),
    Route("POST", (Level.WORKSPACE,), "models/batchGetResolvedUris", models, service="modelregistry"),
)
