"""Jobs: what was asked for, and where it stands.

    NotStarted ─▶ Queued ─▶ Preparing ─▶ Running ─▶ Finalizing ─▶ Completed
                    │           │           │           │
                    └───────────┴───────────┴───────────┴─▶ Failed | Canceled

A pipeline job's steps are jobs with a ``parent``. A run that a script opened by itself is a job of type ``run``.
"""

from enum import StrEnum
from typing import Any

import msgspec

from regista.entities.digest import Digest


class JobStatus(StrEnum):
    """The state of a job."""

    NOT_STARTED = "NotStarted"
    QUEUED = "Queued"
    PREPARING = "Preparing"
    RUNNING = "Running"
    FINALIZING = "Finalizing"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELED = "Canceled"

    @property
    def is_final(self) -> bool:
        """Whether nothing changes any more."""
        return self in {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELED}


class JobType(StrEnum):
    """What kind of work: ``run`` is an interactive one, whose process Regista did not start."""

    COMMAND = "command"
    PIPELINE = "pipeline"
    RUN = "run"


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """What an input or an output came to. For a literal ``value``; for content its ``type`` (``uri_folder`` …), the
    ``manifest`` it had, the ``reference`` as it was given and, for an asset version or what a job left, its lineage ``node``;
    ``others`` where it came from several. ``scope`` is the id of the scope whose store has the bytes, where the node does
    not tell."""

    type: str = ""
    value: str | None = None
    manifest: Digest | None = None
    reference: str = ""
    node: str = ""
    others: tuple[str, ...] = ()
    scope: str = ""
    mode: str = ""


class Job(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One job, step or run. ``name`` is unique in its workspace and is the run id.

    ``spec`` is the normalised specification, with every reference resolved to an exact version. ``inputs`` and ``outputs``
    say what they came to. ``lock`` is the environment's lock, ``code`` the manifest of the code. ``reuse_key`` names
    everything that decides the result; ``reused_from`` the job whose outputs were taken instead of running. Tags are run data.
    (It is made of JSON and holds no cycle: ``gc=False``, for a search makes a hundred of them.)"""

    id: str
    scope_id: str
    name: str
    type: JobType
    status: JobStatus = JobStatus.NOT_STARTED
    display_name: str = ""
    experiment: int = 0
    description: str = ""
    properties: dict[str, str] = {}
    compute: str = ""
    spec: dict[str, Any] = {}
    parent: str = ""
    node: str = ""
    root: str = ""
    inputs: dict[str, Binding] = {}
    outputs: dict[str, Binding] = {}
    lock: Digest | None = None
    code: Digest | None = None
    log: Digest | None = None
    reuse_key: str = ""
    reused_from: str = ""
    error: str = ""
    archived: bool = False
    deleted: bool = False
    cancel_requested: bool = False
    created_at: int = 0
    created_by: str = ""
    queued_at: int | None = None
    started_at: int | None = None
    ended_at: int | None = None
    updated_at: int = 0


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """A worker's right to a job until a time. ``fence`` grows with every lease: a write under an old one is refused.

    ``handle`` is what the executor said when the attempt was submitted (JSON; empty before)."""

    job_id: str
    worker: str
    fence: int
    until: int
    handle: str = ""
