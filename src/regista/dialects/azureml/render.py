"""What many resources have in common."""

import datetime as dt

from regista.dialects.azureml.call import PROVIDER, Json


def when(at: int | None) -> str | None:
    """A time in milliseconds as ISO 8601 in UTC."""
    return None if at is None else dt.datetime.fromtimestamp(at / 1000, dt.UTC).isoformat().replace("+00:00", "Z")


def system_data(created_at: int, created_by: str, updated_at: int = 0) -> Json:
    """Who made a resource, and when it changed."""
    changed = updated_at or created_at
    return {
        "createdAt": when(created_at),
        "createdBy": created_by,
        "createdByType": "User",
        "lastModifiedAt": when(changed),
        "lastModifiedBy": created_by,
        "lastModifiedByType": "User",
    }


def resource(identifier: str, name: str, type_: str, properties: Json, **more: object) -> Json:
    """A resource: *type_* is its type below the provider (``workspaces/models``)."""
    return {"id": identifier, "name": name, "type": f"{PROVIDER}/{type_}", "properties": properties, **more}
