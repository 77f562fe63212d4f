"""``regista online-endpoint``: an address, its keys, the traffic among its deployments."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from regista.cli.frame import confirm, maybe_named, named, pairs, say, show
from regista.cli.options import described, in_workspace, overriding, tagged, unasked, yaml_file

if TYPE_CHECKING:
    from regista.client import Regista

_COLUMNS = ("name", "provisioning_state", "traffic", "mirror_traffic", "scoring_uri", "created_at")
_PENDING = "The change is stored, and pending: the gateway does not answer. It holds as soon as the gateway runs again."


@click.group("online-endpoint")
def online_endpoint() -> None:
    """Endpoints: a stable address over deployments, with keys and a traffic split."""


@online_endpoint.command("create", epilog="Example: regista online-endpoint create flights -w prod")
@maybe_named
@yaml_file("online-endpoint")
@overriding()
@click.option("--auth-mode", help="How callers prove themselves: key, aml_token or aad_token.")
@described
@tagged("May be given several times.")
@in_workspace
def create(
    client: "Regista",
    output: str,
    name: str,
    file: Path | None,
    overrides: tuple[str, ...],
    tags: tuple[str, ...],
    **fields: Any,
) -> None:
    """Make an endpoint. It gets two keys, and traffic when it has deployments."""
    if not (name or file):
        raise click.UsageError("give a name or --file")
    given = {"name": name or None, "tags": pairs(tags, "tags") or None, **fields}
    show(client.online_endpoints.create(file, overrides=overrides, **given), output)


@online_endpoint.command("show", epilog="Example: regista online-endpoint show flights -w prod")
@named
@in_workspace
def show_one(client: "Regista", output: str, name: str) -> None:
    """Show an endpoint, with the address for requests."""
    show(client.online_endpoints.get(name), output)


@online_endpoint.command("list", epilog="Example: regista online-endpoint list -w prod")
@in_workspace
def list_them(client: "Regista", output: str) -> None:
    """List the endpoints of a workspace, newest first."""
    show(list(client.online_endpoints.list()), output, _COLUMNS)


@online_endpoint.command(
    "update", epilog='Example: regista online-endpoint update flights --traffic "blue=90 green=10"'
)
@named
@yaml_file("online-endpoint")
@overriding()
@click.option("--traffic", help='Percent by deployment, all of them: "blue=90 green=10".')
@click.option("--mirror-traffic", help='Copies to one deployment, at most 50 percent: "green=10"; "" for none.')
@described
@tagged("Replaces all tags.")
@in_workspace
def update(
    client: "Regista",
    output: str,
    name: str,
    file: Path | None,
    overrides: tuple[str, ...],
    traffic: str | None,
    mirror_traffic: str | None,
    description: str | None,
    tags: tuple[str, ...],
) -> None:
    """Change the traffic, at once and for every request that comes from then on; or what is said about the endpoint."""
    changes = _from_file(file, overrides)
    if traffic is not None:
        changes["traffic"] = shares(traffic)
    if mirror_traffic is not None:
        changes["mirror_traffic"] = shares(mirror_traffic)
    if tags:
        changes["tags"] = pairs(tags, "tags")
    if description is not None:
        changes["description"] = description
    updated = client.online_endpoints.update(name, **changes)
    show(updated, output)
    if updated.provisioning_state != "Succeeded":
        say(_PENDING)


def _from_file(file: Path | None, overrides: tuple[str, ...]) -> dict[str, Any]:
    from regista.client.documents import apply_overrides, load_document

    document = apply_overrides(load_document(file) if file else {}, overrides)
    changing = ("description", "tags", "properties", "traffic", "mirror_traffic")
    return {key: document[key] for key in changing if key in document}


def shares(text: str) -> dict[str, int]:
    """``blue=90 green=10`` as percents."""
    found = pairs(text.replace(",", " ").split(), "shares of traffic")
    try:
        return {name: int(share) for name, share in found.items()}
    except ValueError:
        raise click.UsageError(f"shares of traffic are whole percents, not {text!r}") from None


@online_endpoint.command("delete", epilog="Example: regista online-endpoint delete flights -w prod --yes")
@named
@unasked
@in_workspace
def delete(client: "Regista", output: str, name: str, yes: bool) -> None:
    """Delete an endpoint with all its deployments."""
    confirm(f"Delete endpoint {name!r} with all its deployments?", yes=yes)
    client.online_endpoints.delete(name)
    show({"deleted": name}, output)


@online_endpoint.command("get-credentials", epilog="Example: regista online-endpoint get-credentials flights -o json")
@named
@in_workspace
def get_credentials(client: "Regista", output: str, name: str) -> None:
    """Show both keys, or a token where tokens open the endpoint. That they were asked for is recorded."""
    show(client.online_endpoints.credentials(name), output)


@online_endpoint.command("regenerate-keys", epilog="Example: regista online-endpoint regenerate-keys flights")
@named
@click.option("--key-type", type=click.Choice(["primary", "secondary"]), default="primary", show_default=True)
@in_workspace
def regenerate_keys(client: "Regista", output: str, name: str, key_type: str) -> None:
    """Replace one key: the old one opens nothing any more."""
    keys = client.online_endpoints.regenerate_key(name, key_type)
    show(keys, output)
    if keys.pending:
        say(_PENDING)


@online_endpoint.command("invoke", epilog="Example: regista online-endpoint invoke flights --request-file flight.json")
@named
@click.option("--request-file", required=True, type=click.File("rb"), help="The body to be sent; - for standard input.")
@click.option("--deployment-name", default="", help="This one, whatever the traffic says.")
@in_workspace
def invoke(client: "Regista", output: str, name: str, request_file: Any, deployment_name: str) -> None:  # noqa: ARG001 - the answer is the endpoint's own
    """Send a request, and print the answer as it came."""
    answer = client.online_endpoints.invoke(name, request_file.read(), deployment=deployment_name)
    sys.stdout.buffer.write(answer + (b"" if answer.endswith(b"\n") else b"\n"))
    sys.stdout.flush()


@online_endpoint.command("history", epilog="Example: regista online-endpoint history flights -w prod")
@named
@in_workspace
def history(client: "Regista", output: str, name: str) -> None:
    """Every change of what served, oldest first."""
    show(client.online_endpoints.traffic(name), output, ("at", "traffic", "mirror_traffic", "reason", "by"))
