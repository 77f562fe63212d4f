"""Data documents."""

import msgspec

from regista.entities.asset import TYPES, AssetKind
from regista.entities.documents.environment import read_version
from regista.entities.documents.reading import Fields


class DataDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Data as it was written; ``path`` is a local path or points at content anywhere."""

    name: str = ""
    version: str = ""
    type: str = "uri_folder"
    path: str = ""
    description: str = ""
    tags: dict[str, str] = {}
    properties: dict[str, str] = {}
    ignored: tuple[str, ...] = ()


def parse_data(mapping: object, *, where: str = "") -> DataDocument:
    """Read a data document."""
    fields = Fields.of(mapping, where)
    document = DataDocument(
        name=fields.name("name", "data", required=True),
        version=read_version(fields),
        # The order in which the types of data stand in TYPES makes a file the default; a data document's is the folder.
        type=fields.choice("type", TYPES[AssetKind.DATA], "uri_folder"),
        path=fields.reference("path", required=True),
        description=fields.text("description"),
        tags=fields.texts("tags"),
        properties=fields.texts("properties"),
    )
    fields.ignore("id", "creation_context", "latest_version", "datastore", "auto_delete_setting", "stage")
    fields.done()
    return msgspec.structs.replace(document, ignored=tuple(fields.ignored))
