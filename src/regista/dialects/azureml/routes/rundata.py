"""What a run is made of, and what it left."""

import msgspec

from regista.dialects.azureml.call import Answer, Call, Level
from regista.dialects.azureml.jobs import history
from regista.dialects.azureml.jobs.view import View
from regista.dialects.azureml.routing import Route
from regista.errors import InvalidError


class Request(msgspec.Struct, rename="camel"):
    """Whose data are asked for; all is told in any case."""

    run_id: str = ""


def post(call: Call) -> Answer:
    """The run, with the ids of its outputs."""
    name = call.body(Request).run_id
    if not name:
        raise InvalidError("runId is missing")
    job = call.house.jobs.get(call.caller, call.address, name)
    tags = call.house.jobs.tags(call.caller, call.address, (job,)).get(job.name, {})
    return Answer(200, {"runMetadata": history.run(View(call), job, tags)})


ROUTES = (Route("POST", (Level.WORKSPACE,), "rundata", post, service="history"),)
