"""What was behind an endpoint at one time."""

import msgspec

from regista.entities.trace import Trace


class Behind(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A deployment that was behind the endpoint: its share of the traffic, the generation, and the exact versions in it
    (lineage nodes). Its trace tells where those came from."""

    deployment: str
    node: str
    generation: int
    traffic: int = 0
    mirror: int = 0
    model: str = ""
    environment: str = ""
    lock: str = ""
    code: str = ""
    scoring_script: str = ""
    instance_count: int = 1
    created_at: int = 0
    created_by: str = ""
    trace: Trace | None = None


class WhyReport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was in force at ``at``: since when, until when (None: it still is), by whom and for what reason."""

    endpoint: str
    at: int
    since: int
    until: int | None = None
    by: str = ""
    reason: str = ""
    deployments: tuple[Behind, ...] = ()
