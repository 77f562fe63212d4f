"""Long-running operations: what takes longer than a request is answered with an address to ask again (ARM's asynchronous
operations: ``Azure-AsyncOperation``). What is done at once says so with ``provisioningState: Succeeded`` and no such header."""

from typing import Literal

from regista.dialects.azureml.call import Answer, Call, Json
from regista.dialects.azureml.errors import error_body

State = Literal["InProgress", "Succeeded", "Failed", "Canceled"]
SOON = (("retry-after", "1"), ("x-ms-retry-after-ms", "200"))
"""Whole seconds for those who read the first alone ("0" would mean 30 to them), a fifth of one for the others."""


def accepted(call: Call, poll: str, body: Json | None = None, *, status: int = 201) -> Answer:
    """The thing is on its way: ask at *poll*, a path of this server."""
    return Answer(status, body, (("azure-asyncoperation", f"{call.base}{poll}"), *SOON))


def progress(poll: str, state: State, code: str = "", message: str = "") -> Answer:
    """The answer of a poll."""
    body: Json = {"id": poll, "name": poll.rsplit("/", 1)[-1], "status": state}
    if state == "Failed":
        body["error"] = error_body(code, message)
    return Answer(200, body, () if state != "InProgress" else SOON)
