"""Models."""

from regista.dialects.azureml.assets.addresses import content_uri
from regista.dialects.azureml.assets.origins import origin
from regista.dialects.azureml.assets.translation import Draft, Translation, text_of
from regista.dialects.azureml.assets.view import View
from regista.dialects.azureml.call import Json
from regista.entities.asset import TYPES, AssetKind, AssetVersion
from regista.entities.lineage import Node
from regista.errors import InvalidError


def read(view: View, properties: Json, known: AssetVersion | None) -> Draft:
    """A model's content: files wherever they are, a type, flavours. What is not said of one that is *known* stays."""
    flavors = read_flavors(properties) or (known.spec.get("flavors") if known else None)
    given = read_type(AssetKind.MODEL, text_of(properties, "modelType"), "modelType")
    return Draft(
        type=given or (known.type if known else ""),
        spec={"flavors": flavors} if flavors else {},
        origin=origin(view, AssetKind.MODEL, text_of(properties, "modelUri"), "modelUri"),
    )


def render(view: View, version: AssetVersion) -> Json:
    """The same on the wire."""
    flavors = version.spec.get("flavors")
    shown = flavors if isinstance(flavors, dict) else {}
    return {
        "modelType": version.type,
        "modelUri": content_uri(view, version),
        "flavors": {name: {"data": data if isinstance(data, dict) else {}} for name, data in shown.items()},
        "jobName": job_of(version),
    }


def is_same(view: View, version: AssetVersion, properties: Json) -> bool:
    """Whether the model that was answered is sent back."""
    flavors = read_flavors(properties)
    return (
        properties.get("modelUri") in {None, content_uri(view, version)}
        and properties.get("modelType") in {None, version.type}
        and (not flavors or flavors == version.spec.get("flavors"))
    )


def read_type(kind: AssetKind, given: str | None, field: str) -> str:
    """A type in any case of its letters."""
    word = (given or "").lower()
    if word and word not in TYPES[kind]:
        raise InvalidError(f"properties.{field}: {word[:50]!r} is none of {', '.join(TYPES[kind])}")
    return word


def read_flavors(properties: Json) -> Json:
    """Flavours by name: what stands under ``data`` of each."""
    given = properties.get("flavors") or {}
    if not isinstance(given, dict) or not all(isinstance(one, dict) for one in given.values()):
        raise InvalidError("properties.flavors: expected an object of objects")
    found = {name: one.get("data") or {} for name, one in given.items()}
    if not all(isinstance(data, dict) for data in found.values()):
        raise InvalidError("properties.flavors: expected an object under data")
    return found


def job_of(version: AssetVersion) -> str | None:
    """The job that made a version, where one is known to have."""
    node = version.source.get("node", "")
    return Node.parse(node).parts[0] if node.startswith("job:") else None


MODELS = Translation(kind=AssetKind.MODEL, read=read, render=render, is_same=is_same, fixed_path=True)
