"""What the SDK says about a job and Regista has no field for: kept with the job, so that the SDK gets back what it sent.

It stands as JSON under one property of the job, which no other door explains and this one never shows.
"""

import msgspec

from regista.dialects.azureml.call import Json
from regista.entities.job import Job
from regista.services.jobs.jobs import OWN_PROPERTIES

PROPERTY = f"{OWN_PROPERTIES}azureml"

_LONGEST = 100_000


class KeptNode(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
    """What is kept of a node: ``uris`` of its inputs, and ``raw``, fields that go back as they came."""

    uris: dict[str, str] = {}
    raw: Json = {}


class Kept(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
    """What is kept of a job: ``uris`` of inputs, by name, as they were given; ``names`` of inputs of a pipeline that have a
    dot in them, by their names here; ``raw``, fields that go back as they came."""

    uris: dict[str, str] = {}
    names: dict[str, str] = {}
    raw: Json = {}
    jobs: dict[str, KeptNode] = {}

    def properties(self) -> dict[str, str]:
        """The property that holds all this; none where there is nothing, or too much, to keep."""
        encoded = msgspec.json.encode(self).decode()
        return {PROPERTY: encoded} if 2 < len(encoded) <= _LONGEST else {}


def kept_of(job: Job) -> Kept:
    """What was kept of a job; nothing for jobs that came through other doors."""
    try:
        return msgspec.json.decode(job.properties.get(PROPERTY, "{}"), type=Kept)
    except msgspec.MsgspecError:
        return Kept()


def shown(properties: dict[str, str]) -> dict[str, str]:
    """The properties without Regista's own."""
    return {key: value for key, value in properties.items() if not key.startswith(OWN_PROPERTIES)}
