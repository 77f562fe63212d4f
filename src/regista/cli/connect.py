"""``regista connect``, ``whoami`` and ``completion``: this program and others meeting a server."""

import shlex
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import click

from regista.cli.frame import common, connect as connect_client, say, show

_FORMS: dict[str, Callable[[str, str], str]] = {
    "sh": lambda key, value: f"export {key}={shlex.quote(value)}",
    "fish": lambda key, value: f"set -gx {key} '{_escaped(value)}'",
    "powershell": lambda key, value: "$env:{} = '{}'".format(key, value.replace("'", "''")),
}


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


@click.group()
def connect() -> None:
    """Connect other programs to the server."""


@connect.command("mlflow", epilog='Example: eval "$(regista connect mlflow -w dev)"')
@click.option("-w", "--workspace-name", "workspace", envvar="REGISTA_WORKSPACE", default="", help="Where runs go.")
@click.option(
    "-r", "--registry-name", "registry", default="", help="Where models are registered.  [default: the workspace]"
)
@click.option(
    "--shell",
    type=click.Choice([*_FORMS]),
    default="sh",
    show_default=True,
    help="In whose words; sh is also for bash and zsh.",
)
@common
def mlflow(workspace: str, registry: str, shell: str, output: str, profile: str | None) -> None:
    """Print the variables by which the mlflow client finds the server, with your key: for eval, not for the eyes of others."""
    from regista.client.profiles import find_profile

    known = find_profile(profile)
    workspace, registry = workspace or known.workspace, registry or known.registry
    if not workspace:
        raise click.UsageError("say where runs go: --workspace-name")
    base = known.url.rstrip("/")
    variables = {
        "MLFLOW_TRACKING_URI": f"{base}/mlflow/workspaces/{quote(workspace, safe=':')}",
        "MLFLOW_REGISTRY_URI": f"{base}/mlflow/registries/{quote(registry, safe=':')}" if registry else "",
        "MLFLOW_TRACKING_TOKEN": known.secret(),
        "MLFLOW_TRACKING_SERVER_CERT_PATH": known.ca,
    }
    given = {key: value for key, value in variables.items() if value}
    if output != "table":
        show(given, output)
        return
    for key, value in given.items():
        click.echo(_FORMS[shell](key, value))
    if sys.stdout.isatty():
        say('This shows your key. Meant is: eval "$(regista connect mlflow …)"')


@click.command(epilog="Example: regista whoami -o json")
@common
def whoami(output: str, profile: str | None) -> None:
    """Say which server answers, as whom it knows you, and what you may do there."""
    from regista import __version__

    client = connect_client(profile)
    about = client.about()
    name = about["principal"]
    roles: list[dict[str, Any]] = [
        {"role": one.role, "path": one.path} for one in client.roles.assignments(principal=name)
    ]
    answer = {
        "principal": name,
        "server": client.transport.url,
        "server_version": about["version"],
        "client_version": __version__,
        "workspace": client.workspace or "",
        "registry": client.registry or "",
    }
    if output == "table":
        show(answer | {"roles": [f"{one['role']} at {one['path']}" for one in roles]}, output)
    else:
        show(answer | {"roles": roles}, output)


@click.command(epilog="Example: regista completion bash >> ~/.bashrc")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the lines that make SHELL complete commands, verbs and options with the tab key."""
    from click.shell_completion import get_completion_class

    from regista.cli.main import commands

    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - the choice above holds only shells that click knows
    click.echo(found(commands, {}, "regista", "_REGISTA_COMPLETE").source())
