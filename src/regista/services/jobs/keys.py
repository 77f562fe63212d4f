"""The key with which a running job speaks to Regista: its creator's, narrowed to the workspace, short-lived, ended with the job."""

import secrets

import msgspec

from regista.entities.access import Caller, Key, Permission
from regista.entities.job import Job
from regista.entities.names import new_id, now
from regista.entities.scope import Scope
from regista.interfaces.catalog import Transaction
from regista.services.access.access import hash_secret
from regista.services.access.principals import SECRET_PREFIX
from regista.services.jobs.plans import RIGHTS

LIFE = 3600 * 1000
"""Milliseconds that a key lives unless its worker extends it, so that a machine that dies leaves none for long."""

_RIGHTS = (
    Permission.SCOPES_READ,
    Permission.JOBS_READ,
    Permission.JOBS_WRITE,
    Permission.JOBS_LOGS,
    Permission.JOBS_CANCEL,
    Permission.ASSETS_READ,
    Permission.ASSETS_WRITE,
    Permission.ASSETS_DOWNLOAD,
)


def rights_of(caller: Caller, scope: Scope) -> dict[str, str]:
    """The property of a job that says what its key may do: what jobs need, and never more than the caller may now."""
    return {RIGHTS: ",".join(right for right in _RIGHTS if caller.allows(right, scope.path))}


def new_secret() -> str:
    """A secret for a key."""
    return SECRET_PREFIX + secrets.token_urlsafe(32)


def issue(tx: Transaction, job: Job, scope: Scope, secret: str) -> str:
    """Add the key of *secret* and return its id; "" when the creator is gone or disabled, or had no right to give."""
    principal = tx.access.find_principal(name=job.created_by)
    rights = tuple(filter(None, job.properties.get(RIGHTS, "").split(",")))
    if principal is None or principal.disabled or not rights:
        return ""
    at = now()
    key = Key(
        id=new_id(),
        principal_id=principal.id,
        name=f"job {job.name}"[:255],
        secret_hash=hash_secret(secret),
        paths=(scope.path,),
        permissions=rights,
        created_at=at,
        expires_at=at + LIFE,
    )
    tx.keys.put(key)
    return key.id


def extend(tx: Transaction, key_ids: tuple[str, ...]) -> None:
    """Let the living ones of a job's keys live on."""
    at = now()
    for found in map(tx.keys.find, key_ids):
        if found and found[0].is_live(at):
            tx.keys.put(msgspec.structs.replace(found[0], expires_at=at + LIFE))


def remove(tx: Transaction, key_ids: tuple[str, ...]) -> None:
    """End a job's keys now. Nothing is kept of them: there would be one for every job that ever ran, among its creator's."""
    for key_id in key_ids:
        tx.keys.delete(key_id)
