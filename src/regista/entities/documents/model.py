"""Model documents."""

from typing import Any

import msgspec

from regista.entities.asset import TYPES, AssetKind
from regista.entities.documents.environment import read_version
from regista.entities.documents.reading import Fields


class ModelDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A model as it was written; ``path`` is a local path or points at content anywhere (a job's output, an asset)."""

    name: str = ""
    version: str = ""
    type: str = "custom_model"
    path: str = ""
    flavors: dict[str, Any] = {}
    stage: str = ""
    description: str = ""
    tags: dict[str, str] = {}
    properties: dict[str, str] = {}
    ignored: tuple[str, ...] = ()


def parse_model(mapping: object, *, where: str = "", anonymous: bool = False) -> ModelDocument:
    """Read a model document. *anonymous*: a name is not required."""
    fields = Fields.of(mapping, where)
    document = read_model(fields, anonymous=anonymous)
    return msgspec.structs.replace(document, ignored=tuple(fields.ignored))


def read_model(fields: Fields, *, anonymous: bool = True) -> ModelDocument:
    """The model in *fields*, e.g. inline in a deployment."""
    document = ModelDocument(
        name=fields.name("name", "model", required=not anonymous),
        version=read_version(fields),
        type=fields.choice("type", TYPES[AssetKind.MODEL], "custom_model"),
        path=fields.reference("path", required=True),
        flavors=fields.mapping("flavors"),
        stage=fields.text("stage"),
        description=fields.text("description"),
        tags=fields.texts("tags"),
        properties=fields.texts("properties"),
    )
    fields.ignore("id", "creation_context", "latest_version", "datastore", "job_name", "utc_time_created")
    fields.ignore("intellectual_property", "system_metadata", "auto_delete_setting")
    fields.ignore("default_deployment_template", "allowed_deployment_templates")
    fields.done()
    return document
