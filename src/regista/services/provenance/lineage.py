"""Remembering jobs and versions: what a capsule and a trace say of them."""

import json
import math
from collections.abc import Iterable
from typing import Any

import msgspec

from regista.entities.asset import NO_FILES, AssetVersion
from regista.entities.capsule import JobDetail, JobRecord, Source, VersionRecord
from regista.entities.digest import Digest
from regista.entities.environment import Lock
from regista.entities.job import Job
from regista.entities.page import PageRequest
from regista.entities.run import Metric
from regista.entities.scope import Scope
from regista.errors import RegistaError
from regista.interfaces.blobs import BlobStore
from regista.interfaces.catalog import Transaction

LOG_TAIL = 8 << 10
"""Bytes of the end of a log that a capsule carries by itself."""

_GIT = ("mlflow.source.git.commit", "mlflow.source.git.branch", "mlflow.source.git.repoURL", "mlflow.source.git.dirty")
_HISTORY_PAGE = 10_000


def version_record(scope: Scope, version: AssetVersion) -> VersionRecord:
    """What is remembered of a version."""
    return VersionRecord(
        node=version.node,
        kind=version.kind,
        name=version.name,
        version=version.version,
        scope=scope.path,
        type=version.type,
        digest=version.digest,
        size=version.size,
        created_at=version.created_at,
        created_by=version.created_by,
    )


def job_record(tx: Transaction, scope: Scope, job: Job) -> JobRecord:
    """What the catalog remembers of a job; what is in blobs is added by ``with_blobs``."""
    params = tx.runs.params([job.id]).get(job.id, {})
    literals = {name: one.value for name, one in job.inputs.items() if one.value is not None}
    metrics = tx.runs.latest_metrics([job.id]).get(job.id, [])
    return JobRecord(
        node=f"job:{scope.id}/{job.name}",
        name=job.name,
        display_name=job.display_name,
        workspace=scope.path,
        type=job.type,
        status=job.status,
        experiment=tx.experiments.get(scope.id, job.experiment).name if job.experiment else "Default",
        pipeline=job.root if job.parent else "",
        step=job.node,
        created_by=job.created_by,
        created_at=job.created_at,
        started_at=job.started_at,
        ended_at=job.ended_at,
        parameters=literals | params,
        metrics={one.key: one.value if math.isfinite(one.value) else None for one in metrics},
        sources=tuple(_sources(job)),
        detail=JobDetail(
            command=str(job.spec.get("command", "")),
            code=job.code,
            git={name.rsplit(".", 1)[-1]: job.properties[name] for name in _GIT if name in job.properties},
            lock=job.lock,
            environment_variables=_variables(job.spec),
            log=job.log,
            properties={name: value for name, value in job.properties.items() if name not in _GIT},
        ),
    )


def _sources(job: Job) -> Iterable[Source]:
    """Inputs, environment, code and component of a job, from its bindings and its plan."""
    for name, one in job.inputs.items():
        if one.value is None:
            yield Source(
                role=f"input:{name}", node=one.node, reference=one.reference, type=one.type, digest=one.manifest
            )
    for field in ("environment", "code", "component"):
        plan = job.spec.get(field)
        if isinstance(plan, dict) and "node" in plan:
            manifest = plan.get("manifest")
            digest = None if manifest == NO_FILES else manifest  # which would be the same for every environment
            yield Source(role=field, node=plan["node"], reference=plan.get("reference", ""), digest=digest)


def _variables(spec: dict[str, Any]) -> dict[str, str]:
    """Environment variables by name; values that look like secrets are left out of a record that travels."""
    given = spec.get("environment_variables")
    secret = ("key", "secret", "token", "password", "credential")
    pairs = given.items() if isinstance(given, dict) else ()
    return {
        name: "(not recorded)" if any(word in name.lower() for word in secret) else str(value) for name, value in pairs
    }


def with_blobs(record: JobRecord, source: BlobStore, target: BlobStore, history: list[Metric]) -> JobRecord:
    """Add the log's tail and the lock's text, which are in *source*, and the history of metrics, stored as a blob of
    *target*."""
    best: dict[str, tuple[float, float]] = {}
    for one in history:
        if not math.isfinite(one.value):
            continue
        low, high = best.get(one.key, (one.value, one.value))
        best[one.key] = (min(low, one.value), max(high, one.value))
    lines = "\n".join(
        json.dumps(msgspec.structs.asdict(one)) for one in history
    ).encode()  # json says NaN, msgspec null
    stored = target.put(lines) if history else None
    return msgspec.structs.replace(with_texts(record, source), best=best, history=stored)


def with_texts(record: JobRecord, store: BlobStore) -> JobRecord:
    """Add the log's tail and the lock's text; what the store has lost stays empty."""
    detail = record.detail or JobDetail()
    texts = {"log_tail": _tail(store, detail.log), "lock_text": _lock_text(store, detail.lock) if detail.lock else ""}
    return msgspec.structs.replace(record, detail=msgspec.structs.replace(detail, **texts))


def history_of(tx: Transaction, job_id: str) -> list[Metric]:
    """Every value of every metric of a job, keys in order."""
    found: list[Metric] = []
    for latest in tx.runs.latest_metrics([job_id]).get(job_id, []):
        cursor: str | None = None
        while True:
            page = tx.histories.page(job_id, latest.key, PageRequest(_HISTORY_PAGE, cursor))
            found += page.items
            if not page.next:
                break
            cursor = page.next
    return found


def _tail(store: BlobStore, log: Digest | None) -> str:
    if log is None:
        return ""
    try:
        size = store.size(log)
        return b"".join(store.read(log, max(0, size - LOG_TAIL), size)).decode(errors="replace")
    except RegistaError:
        return ""


def _lock_text(store: BlobStore, digest: Digest) -> str:
    try:
        return msgspec.json.decode(store.get(digest), type=Lock).text
    except (RegistaError, msgspec.DecodeError):
        return ""
