"""The capsule: a sealed record of where a version came from, which travels with it.

It is an in-toto Statement (https://github.com/in-toto/attestation, spec v1) about the version's content, whose predicate
holds the producing jobs and what led to them; it is signed as a DSSE envelope (secure-systems-lab/dsse, protocol v1.0.2)
and stored as a blob. SLSA's field names (slsa.dev/provenance/v1) are used where they fit.

It has two tiers. The *card* (which job, who, when, parameters, metrics, what it was made of by name) is for whoever may
read the version. The *detail* (command, code, git state, environment, data digests, log) needs ``provenance/detail``.
"""

import base64
from typing import Any

import msgspec

from regista.entities.digest import Digest
from regista.entities.lineage import Edge
from regista.errors import InvalidError

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "urn:regista:capsule:1"
PAYLOAD = "application/vnd.in-toto+json"


class Source(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something a job used: its role, its lineage node, how it was written, and its content's digest."""

    role: str
    node: str = ""
    reference: str = ""
    type: str = ""
    digest: Digest | None = None


class JobDetail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The second tier. ``lock_text`` is the environment itself; ``log`` the whole log's blob, ``log_tail`` its end."""

    command: str = ""
    code: Digest | None = None
    git: dict[str, str] = {}
    lock: Digest | None = None
    lock_text: str = ""
    environment_variables: dict[str, str] = {}
    log: Digest | None = None
    log_tail: str = ""
    properties: dict[str, str] = {}


class JobRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A job as it is remembered. ``metrics`` are the last values (None where not a finite number, for which JSON has no
    word), ``history`` the blob with all of them (JSON lines)."""

    node: str
    name: str
    display_name: str = ""
    workspace: str = ""
    type: str = ""
    status: str = ""
    experiment: str = ""
    pipeline: str = ""
    step: str = ""
    created_by: str = ""
    created_at: int = 0
    started_at: int | None = None
    ended_at: int | None = None
    parameters: dict[str, str] = {}
    metrics: dict[str, float | None] = {}
    best: dict[str, tuple[float, float]] = {}
    """The least and the greatest finite value of each metric."""
    history: Digest | None = None
    sources: tuple[Source, ...] = ()
    detail: JobDetail | None = None

    @property
    def attachments(self) -> set[Digest]:
        """Blobs that travel along: log, history, lock."""
        detail = self.detail or JobDetail()
        return {digest for digest in (self.history, detail.log, detail.lock) if digest}

    @property
    def manifests(self) -> set[Digest]:
        """Manifests whose files travel along: the code."""
        return {self.detail.code} if self.detail and self.detail.code else set()


class VersionRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A version as it is remembered. ``digest`` is what it is known by: its files' or, without files, its specification's."""

    node: str
    kind: str
    name: str
    version: str
    scope: str
    type: str = ""
    digest: Digest | None = None
    size: int = 0
    created_at: int = 0
    created_by: str = ""


class Capsule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of how ``subject`` came to be, at the moment of sealing."""

    subject: VersionRecord
    jobs: tuple[JobRecord, ...] = ()
    versions: tuple[VersionRecord, ...] = ()
    edges: tuple[Edge, ...] = ()
    sealed_at: int = 0
    sealed_by: str = ""
    missing: tuple[str, ...] = ()
    """What was not known even then, in words."""

    @property
    def attachments(self) -> set[Digest]:
        """Blobs that travel along, of all jobs."""
        return {digest for job in self.jobs for digest in job.attachments}

    @property
    def manifests(self) -> set[Digest]:
        """Manifests whose files travel along, of all jobs."""
        return {digest for job in self.jobs for digest in job.manifests}

    def card(self) -> "Capsule":
        """The first tier alone."""
        jobs = tuple(
            msgspec.structs.replace(
                job,
                detail=None,
                sources=tuple(msgspec.structs.replace(one, reference="", digest=None) for one in job.sources),
            )
            for job in self.jobs
        )
        return msgspec.structs.replace(self, jobs=jobs)


class _Signature(msgspec.Struct):
    keyid: str
    sig: str


class Envelope(msgspec.Struct, rename="camel"):
    """A DSSE envelope."""

    payload: str
    payload_type: str
    signatures: list[_Signature]


def statement(capsule: Capsule) -> bytes:
    """The in-toto Statement about *capsule*'s subject, canonical."""
    digest = (capsule.subject.digest or "sha256:").removeprefix("sha256:")
    producer = capsule.jobs[0] if capsule.jobs else None
    predicate: dict[str, Any] = {"capsule": capsule}
    if producer is not None:
        resolved = [
            {"name": one.role, "uri": one.reference, "digest": {"sha256": one.digest.removeprefix("sha256:")}}
            for one in producer.sources
            if one.digest
        ]
        predicate["buildDefinition"] = {
            "buildType": f"urn:regista:job:{producer.type}:1",
            "externalParameters": producer.parameters,
            "resolvedDependencies": resolved,
        }
        predicate["runDetails"] = {"builder": {"id": "urn:regista"}, "metadata": {"invocationId": producer.node}}
    content = {
        "_type": STATEMENT,
        "subject": [{"name": capsule.subject.node, "digest": {"sha256": digest}}],
        "predicateType": PREDICATE,
        "predicate": predicate,
    }
    return msgspec.json.encode(content, order="sorted")


def signed_bytes(payload: bytes) -> bytes:
    """What is signed: DSSE's pre-authentication encoding."""
    kind = PAYLOAD.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def envelope(payload: bytes, key_id: str, signature: bytes) -> bytes:
    """The envelope as it is stored."""
    sealed = Envelope(
        payload=base64.b64encode(payload).decode(),
        payload_type=PAYLOAD,
        signatures=[_Signature(key_id, base64.b64encode(signature).decode())],
    )
    return msgspec.json.encode(sealed, order="sorted")


def open_envelope(content: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    """The payload and its signatures (key id, bytes); raise ``InvalidError`` for anything that is no envelope of ours."""
    try:
        found = msgspec.json.decode(content, type=Envelope)
        payload = base64.b64decode(found.payload, validate=True)
        signatures = [(one.keyid, base64.b64decode(one.sig, validate=True)) for one in found.signatures]
    except (msgspec.DecodeError, ValueError) as wrong:
        raise InvalidError(f"this is not a sealed capsule: {wrong}") from wrong
    if found.payload_type != PAYLOAD:
        raise InvalidError(f"unknown payload type {found.payload_type[:100]!r}")
    return payload, signatures


class _Predicate(msgspec.Struct):
    capsule: Capsule


class _Statement(msgspec.Struct, rename={"type": "_type", "predicate_type": "predicateType"}):
    type: str
    predicate_type: str
    predicate: _Predicate


def read_statement(payload: bytes) -> Capsule:
    """The capsule in a statement; raise ``InvalidError`` for another kind of statement."""
    try:
        found = msgspec.json.decode(payload, type=_Statement)
    except msgspec.DecodeError as wrong:
        raise InvalidError(f"this is not a capsule: {wrong}") from wrong
    if (found.type, found.predicate_type) != (STATEMENT, PREDICATE):
        raise InvalidError(f"this is a statement of another kind: {found.predicate_type[:100]!r}")
    return found.predicate.capsule
