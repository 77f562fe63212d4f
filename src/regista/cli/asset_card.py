"""A version of an asset for people: what it is, where it stands, how to refer to it, and what comes next.

name       churn
version    3
type       mlflow_model
in         registry central
content    sha256:0a1b2c3d4e5f, 2 files, 1.4 MB
record     sealed
created    2026-11-22 19:03:11 by ada
reference  azureml://registries/central/models/churn/versions/3
"""

import re
import shlex
from typing import TYPE_CHECKING, Any

from regista.cli.frame import amount, moment, say, show
from regista.entities.asset import ANONYMOUS, Asset, AssetKind, AssetVersion

if TYPE_CHECKING:
    from regista.client import Regista

_SHORT, _DIGITS = 19, 12


def show_version(client: "Regista", found: AssetVersion | Asset, output: str, *, whole: bool = False) -> None:
    """Print what *client*'s scope holds: programs get all of it, people a card, with its specification when *whole*."""
    if output != "table" or isinstance(found, Asset):
        show(found, output)
        return
    card = card_of(client, found)
    if whole:
        card |= {"properties": found.properties, "specification": found.spec}
    show(card, output)


def show_made(client: "Regista", made: AssetVersion, output: str) -> None:
    """The same of what has just been made, with what people do next, on standard error."""
    show_version(client, made, output)
    if output == "table" and (step := next_step(client, made)):
        say(f"Next:  {step}")


def card_of(client: "Regista", found: AssetVersion) -> dict[str, Any]:
    """What people want to know of a version, in the order in which they ask."""
    files = f"{found.file_count} file{'' if found.file_count == 1 else 's'}, {amount(found.size)}"
    return {
        "name": found.name,
        "version": found.version[:_DIGITS] if found.name == ANONYMOUS else found.version,
        "type": found.type,
        "in": f"registry {client.registry}" if client.registry else f"workspace {client.workspace}",
        "content": f"{found.digest[:_SHORT]}{f', {files}' if found.file_count else ''}",
        "stage": found.stage,
        "archived": "yes" if found.archived else "",
        "description": found.description,
        "tags": found.tags,
        "made from": found.source.get("path", ""),
        "record": "sealed" if found.capsule else "",
        "created": f"{moment(found.created_at)} by {found.created_by}".strip(),
        "reference": reference_to(client, found),
    }


def reference_to(client: "Regista", found: AssetVersion) -> str:
    """How jobs, deployments and other documents name the version."""
    if client.registry:
        return f"azureml://registries/{client.registry}/{found.kind.plural}/{found.name}/versions/{found.version}"
    return f"azureml:{found.name}:{found.version}"


def version_of(node: str) -> str:
    """NAME:VERSION of a version's node of the lineage; the first digits are enough of a version that is a digest."""
    *_, name, version = node.split("/") if node else ("", "")
    return f"{name}:{version[:_DIGITS] if name == ANONYMOUS else version}" if name else ""


def shortly(reference: str, scope_id: str) -> str:
    """A *reference* as people write it in its own scope: ``azureml:NAME:VERSION``, or the beginning of what has no name."""
    found = re.fullmatch(rf"azureml://locations/any/workspaces/{scope_id}/\w+/([^/]+)/versions/([^/]+)", reference)
    if found is None:
        return reference
    name, version = found.groups()
    return f"{name} {version[:_DIGITS]}" if name == ANONYMOUS else f"azureml:{name}:{version}"


def next_step(client: "Regista", made: AssetVersion) -> str:
    """The command that most people want now; none for code, which goes where its component goes."""
    if made.kind is AssetKind.CODE or made.name == ANONYMOUS:
        return ""
    name = shlex.quote(f"{made.name}:{made.version}")
    if client.registry:
        return f"regista trace {made.kind} {name} -r {client.registry}"
    return f"regista {made.kind} share {name} -w {client.workspace} --registry-name REGISTRY"
