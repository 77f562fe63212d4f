"""Entities to try a catalog with."""

from typing import Any

from regista.entities.asset import Asset, AssetKind, AssetVersion
from regista.entities.job import Job, JobType
from regista.entities.names import new_id
from regista.entities.scope import Scope, ScopeKind
from regista.interfaces.catalog import Catalog

UNUSUAL = "naïve 名前 \U0001f40d \"quoted\" 'single' \\back\\ %percent_ \n\t end"
"""Text that a careless driver mangles."""

FOREIGN_CURSORS = ["", "x", "!!!", "é", "AAAA", "a" * 5000, "k6ZzY29wZXMBAg", "wA"]
"""What a client may send and no list has given."""


def registry(name: str = "shelf", **fields: Any) -> Scope:
    """A registry in the group ``g`` of the subscription ``s``."""
    return Scope(
        id=new_id(),
        kind=ScopeKind.REGISTRY,
        name=name,
        **{"subscription": "s", "resource_group": "g", "location": "local"} | fields,
    )


def workspace(name: str = "team", **fields: Any) -> Scope:
    """A workspace in the group ``g`` of the subscription ``s``."""
    return Scope(
        id=new_id(),
        kind=ScopeKind.WORKSPACE,
        name=name,
        **{"subscription": "s", "resource_group": "g", "location": "local"} | fields,
    )


def asset(name: str = "churn", **fields: Any) -> Asset:
    """A model in the scope ``w``."""
    return Asset(id=new_id(), name=name, **{"scope_id": "w", "kind": AssetKind.MODEL} | fields)


def version(number: str = "1", **fields: Any) -> AssetVersion:
    """A version of the model ``churn`` in the scope ``w``."""
    return AssetVersion(
        id=new_id(), version=number, **{"scope_id": "w", "kind": AssetKind.MODEL, "name": "churn"} | fields
    )


def job(name: str = "train", **fields: Any) -> Job:
    """A command job in the scope ``w``."""
    return Job(id=new_id(), name=name, **{"scope_id": "w", "type": JobType.COMMAND} | fields)


def added_job(catalog: Catalog, name: str = "train", **fields: Any) -> Job:
    """A job that is in the catalog."""
    made = job(name, **fields)
    catalog.write(lambda tx: tx.jobs.add(made))
    return made
