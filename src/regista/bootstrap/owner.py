"""The first principal: whoever starts the installation owns it, by a key in a file that only the owner can read."""

import os
from pathlib import Path

from regista.entities.access import Key, PrincipalKind, RoleAssignment
from regista.entities.names import new_id, now
from regista.errors import AlreadyExistsError, ConflictError
from regista.interfaces.catalog import Transaction
from regista.services.access.access import SYSTEM
from regista.services.house import House

OWNER = "owner"


def ensure_owner(house: House, folder: Path, *, renew: bool = False) -> Path:
    """Return the file with the owner's key; make principal, role and key where they are missing.

    A lost file is replaced by a new key, and the old one is revoked. Over a catalog that other servers may share the file may just
    as well be in another home: there raise ``ConflictError`` unless *renew*, for the key of that home would be worth nothing."""
    path = folder / "owner.key"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        owner = house.principals.create(SYSTEM, OWNER, PrincipalKind.USER, "Owner of the installation")
    except AlreadyExistsError:
        found = house.catalog.read(lambda tx: tx.access.find_principal(name=OWNER))
        assert found is not None  # noqa: S101 - the name was taken a moment ago and principals are never removed
        owner = found
        if not house.catalog.near and not renew and _live_keys(house):
            raise ConflictError(
                f"this catalog has an owner, whose key is not in {folder}",
                hint="Servers of one catalog have the same keys: copy that folder from the home of another one. Where it is"
                " lost, --new-owner-key makes a new key and revokes the old one.",
            ) from None

    def own(tx: Transaction) -> None:
        tx.access.put_assignment(
            RoleAssignment(id=new_id(), principal_id=owner.id, role="Owner", path="/", created_at=now())
        )

    house.catalog.write(own)
    for key in _live_keys(house):
        house.principals.revoke_key(SYSTEM, OWNER, key.id)
    issued = house.principals.create_key(SYSTEM, OWNER, "owner")
    draft = path.with_suffix(".tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(issued.secret + "\n")
        file.flush()
        os.fsync(descriptor)
    draft.replace(path)
    return path


def _live_keys(house: House) -> list[Key]:
    """Those that a file opens with."""
    return [key for key in house.principals.keys(SYSTEM, OWNER) if key.name == "owner" and key.is_live(now())]
