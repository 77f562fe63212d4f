"""``regista connect``, ``whoami`` and ``completion``: this program and others meeting a server."""

import os
import shlex
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from regista.cli.frame import common, connect as connect_client, say, show
from regista.cli.running import become

if TYPE_CHECKING:
    from regista.client.profiles import Profile

F = TypeVar("F", bound=Callable[..., Any])

_FORMS: dict[str, Callable[[str, str], str]] = {
    "sh": lambda key, value: f"export {key}={shlex.quote(value)}",
    "fish": lambda key, value: f"set -gx {key} '{_escaped(value)}'",
    "powershell": lambda key, value: "$env:{} = '{}'".format(key, value.replace("'", "''")),
}


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


def _told(function: F) -> F:
    """Where the variables go: into a shell's words, or into the program that follows ``--``."""
    shell = click.option(
        "--shell",
        type=click.Choice([*_FORMS]),
        default="sh",
        show_default=True,
        help="In whose words; sh is also for bash and zsh.",
    )
    program = click.argument("program", nargs=-1, type=click.UNPROCESSED, metavar="[-- PROGRAM…]")
    return shell(program(common(function)))


@click.group()
def connect() -> None:
    """Connect other programs to the server: print the variables by which they find it, or run them with these."""


@connect.command("mlflow", epilog='Example: eval "$(regista connect mlflow -w dev)"')
@click.option("-w", "--workspace-name", "workspace", envvar="REGISTA_WORKSPACE", default="", help="Where runs go.")
@click.option(
    "-r", "--registry-name", "registry", default="", help="Where models are registered.  [default: the workspace]"
)
@_told
def mlflow(
    workspace: str, registry: str, shell: str, program: tuple[str, ...], output: str, profile: str | None
) -> None:
    """Tell the mlflow client the server, with your key: print for eval (not for the eyes of others), or run PROGRAM."""
    from regista.client.profiles import find_profile
    from regista.client.programs import joined, mlflow_variables

    known = find_profile(profile)
    workspace, registry = workspace or known.workspace, registry or known.registry
    if not workspace:
        raise click.UsageError("say where runs go: --workspace-name")
    variables = mlflow_variables(known, workspace, registry)
    if program:
        become(program, joined(os.environ, variables))
    _print(variables, shell, output, "mlflow")


@connect.command("azureml", epilog="Example: regista connect azureml -- python train.py")
@click.option("-w", "--workspace-name", "workspace", envvar="REGISTA_WORKSPACE", default="", help="For --config.")
@click.option(
    "--config",
    type=click.Path(dir_okay=False),
    default=None,
    help="Also write this file, usually config.json, for MLClient.from_config.",
)
@_told
def azureml(
    workspace: str, config: str | None, shell: str, program: tuple[str, ...], output: str, profile: str | None
) -> None:
    """Tell azure-ai-ml the server: print for eval, with your key (not for the eyes of others), or run PROGRAM.

    MLClient(DefaultAzureCredential(), …) then works as it stands, and so does azureml-mlflow. PROGRAM gets no key: as long as it
    runs, a door on this machine gives it tokens."""
    from regista.client.profiles import find_profile
    from regista.client.programs import IN_THE_WAY, azureml_variables, joined, without_keys

    known = find_profile(profile)
    variables = azureml_variables(known)
    if config:
        _write_config(config, workspace or known.workspace, known, profile)
    if program:
        from regista.client.token_door import TokenDoor

        door = TokenDoor(known)
        door.open()
        told = joined(os.environ, variables, azure=True)
        become(program, without_keys(told) | door.variables(told))
    _print(variables, shell, output, "azureml")
    for name in IN_THE_WAY:
        if os.environ.get(name):
            say(f"{name} is set and leads the SDK elsewhere: unset it, or run the program by this command.")


def _print(variables: Mapping[str, str], shell: str, output: str, command: str) -> None:
    if output != "table":
        show(dict(variables), output)
        return
    for key, value in variables.items():
        click.echo(_FORMS[shell](key, value))
    if sys.stdout.isatty():
        say(f'This shows your key. Meant is: eval "$(regista connect {command} …)"')


def _write_config(path: str, workspace: str, known: "Profile", profile: str | None) -> None:
    """Write where ``MLClient.from_config`` goes; the server is asked where the workspace stands."""
    import json
    from pathlib import Path

    workspace = workspace or known.workspace
    if not workspace:
        raise click.UsageError("say which workspace --config is for: --workspace-name")
    found = connect_client(profile).workspaces.get(workspace)
    content = {
        "subscription_id": found.subscription,
        "resource_group": found.resource_group,
        "workspace_name": found.name,
    }
    Path(path).write_text(json.dumps(content, indent=4) + "\n")
    say(f"{path} names workspace {found.name}.")


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
