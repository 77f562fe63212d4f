"""``regista online-deployment`` and ``regista can-i``: what serves behind an endpoint, and whether it will."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from regista.cli.asset_card import version_of
from regista.cli.frame import confirm, is_colored, maybe_named, named, say, show
from regista.cli.options import in_workspace, overriding, unasked, yaml_file

if TYPE_CHECKING:
    from regista.client import Regista
    from regista.entities.endpoint import Deployment
    from regista.entities.preflight import Check

_COLUMNS = ("name", "state", "model", "instance_count", "generation", "serving_generation", "updated_at", "message")
_CARD = (
    "name",
    "endpoint",
    "state",
    "message",
    "model",
    "environment",
    "lock",
    "code",
    "scoring_script",
    "environment_variables",
    "instance_count",
    "instance_type",
    "request_settings",
    "generation",
    "serving_generation",
    "tags",
    "created_at",
    "created_by",
    "updated_at",
)
_FOLLOW_SECONDS = 0.5
_LINE_BYTES = 200

of_endpoint = click.option("-e", "--endpoint-name", "endpoint", required=True, help="The endpoint that it is behind.")
maybe_of_endpoint = click.option("-e", "--endpoint-name", "endpoint", help="Where the file does not say it.")
no_wait = click.option("--no-wait", is_flag=True, help="Do not wait until it serves.")


@click.group("online-deployment")
def online_deployment() -> None:
    """Deployments: a model, an environment and scoring code (or none), serving behind an endpoint."""


@online_deployment.command(
    "create", epilog="Example: regista online-deployment create -f blue.yml -w prod --all-traffic"
)
@maybe_named
@yaml_file("online-deployment")
@maybe_of_endpoint
@overriding()
@click.option("--all-traffic", is_flag=True, help="When it serves, it gets all requests.")
@no_wait
@in_workspace
def create(
    client: "Regista",
    output: str,
    name: str,
    file: Path | None,
    endpoint: str | None,
    overrides: tuple[str, ...],
    all_traffic: bool,
    no_wait: bool,
) -> None:
    """Make a deployment and wait until it serves. What would fail is told before anything is started."""
    if all_traffic and no_wait:
        raise click.UsageError("--all-traffic waits for the deployment: leave --no-wait out")
    fields = {"name": name or None, "endpoint_name": endpoint}
    made = client.online_deployments.create(file, overrides=overrides, wait=not no_wait, **fields)
    if all_traffic:
        client.online_endpoints.update(made.endpoint, traffic={made.name: 100})
    _show(made, output)
    if output == "table":
        say(f"Next:  regista online-endpoint invoke {made.endpoint} --request-file REQUEST.json -w {client.workspace}")


@online_deployment.command("update", epilog="Example: regista online-deployment update -f blue.yml -w prod")
@maybe_named
@yaml_file("online-deployment")
@maybe_of_endpoint
@overriding()
@no_wait
@in_workspace
def update(
    client: "Regista",
    output: str,
    name: str,
    file: Path | None,
    endpoint: str | None,
    overrides: tuple[str, ...],
    no_wait: bool,
) -> None:
    """Change a deployment to what the file says. What serves now goes on until the new version is ready."""
    fields = {"name": name or None, "endpoint_name": endpoint}
    _show(client.online_deployments.update(file, overrides=overrides, wait=not no_wait, **fields), output)


@online_deployment.command("show", epilog="Example: regista online-deployment show blue -e flights -w prod")
@named
@of_endpoint
@in_workspace
def show_one(client: "Regista", output: str, name: str, endpoint: str) -> None:
    """Show a deployment: its state, and exactly what runs in it."""
    _show(client.online_deployments.get(endpoint, name), output)


@online_deployment.command("list", epilog="Example: regista online-deployment list -e flights -w prod")
@of_endpoint
@in_workspace
def list_them(client: "Regista", output: str, endpoint: str) -> None:
    """List the deployments of an endpoint."""
    found = client.online_deployments.list(endpoint)
    rows = [_named(one) for one in found] if output == "table" else found
    show(rows, output, _COLUMNS)


def _show(found: "Deployment", output: str) -> None:
    """A deployment for people: what serves, by the names that they gave. Programs get all of it."""
    show({name: _named(found)[name] for name in _CARD} if output == "table" else found, output)


def _named(one: "Deployment") -> dict[str, Any]:
    import msgspec

    row: dict[str, Any] = msgspec.to_builtins(one)
    return row | {name: version_of(row[name]) for name in ("model", "environment", "code")}


@online_deployment.command("delete", epilog="Example: regista online-deployment delete blue -e flights --yes")
@named
@of_endpoint
@unasked
@in_workspace
def delete(client: "Regista", output: str, name: str, endpoint: str, yes: bool) -> None:
    """Delete a deployment that gets no traffic."""
    confirm(f"Delete deployment {name!r} of endpoint {endpoint!r}?", yes=yes)
    client.online_deployments.delete(endpoint, name)
    show({"deleted": name}, output)


@online_deployment.command("get-logs", epilog="Example: regista online-deployment get-logs blue -e flights --lines 100")
@named
@of_endpoint
@click.option("-l", "--lines", type=click.IntRange(1, 100_000), default=50, show_default=True, help="The last so many.")
@click.option("-c", "--container", type=click.Choice(["inference-server", "storage-initializer"]),
              default="inference-server", help="The model's process, or its preparation.")  # fmt: skip
@click.option("--instance", type=click.IntRange(min=0), default=0, help="Which of several.")
@click.option("--follow", is_flag=True, help="Go on until Ctrl-C.")
@in_workspace
def get_logs(
    client: "Regista",
    output: str,  # noqa: ARG001 - a log is a log
    name: str,
    endpoint: str,
    lines: int,
    container: str,
    instance: int,
    follow: bool,
) -> None:
    """Print what an instance wrote, what it wrote before it was replaced too."""
    where: dict[str, Any] = {"instance": instance, "preparation": container == "storage-initializer"}
    part = client.online_deployments.log(endpoint, name, offset=-lines * _LINE_BYTES, **where)
    click.echo("\n".join(part.text.splitlines()[-lines:]))
    while follow:
        time.sleep(_FOLLOW_SECONDS)
        part = client.online_deployments.log(endpoint, name, offset=part.next_offset, **where)
        click.echo(part.text, nl=False)


@click.group("can-i")
def can_i() -> None:
    """Ask before: what would fail, and why."""


@can_i.command("deploy", epilog="Example: regista can-i deploy -f blue.yml -w prod")
@maybe_named
@yaml_file("online-deployment")
@maybe_of_endpoint
@overriding()
@in_workspace
def deploy(
    client: "Regista", output: str, name: str, file: Path | None, endpoint: str | None, overrides: tuple[str, ...]
) -> int:
    """Look at everything that would make a deployment fail, before a process is started. Exit status 1 when it would."""
    fields = {"name": name or None, "endpoint_name": endpoint}
    checks = client.online_deployments.can_i_deploy(file, overrides=overrides, **fields)
    if output == "table":
        print_checks(checks)
    else:
        show(checks, output)
    return 0 if all(check.ok for check in checks) else 1


def print_checks(checks: "Sequence[Check]") -> None:
    """One line a check, with the fix below those that fail."""
    for check in checks:
        mark = "ok  " if check.ok else "FAIL"
        colored = click.style(mark, fg="green" if check.ok else "red", bold=not check.ok) if is_colored() else mark
        click.echo(f"{colored}  {check.name}: {check.what}")
        if check.fix:
            click.echo(f"      {check.fix}")
    failing = sum(not check.ok for check in checks)
    say("It can be deployed." if not failing else f"It cannot be deployed: {failing} of {len(checks)} checks fail.")
