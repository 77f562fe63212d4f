"""The command ``regista``: nouns and verbs as in ``az ml``. Each noun's module is imported only when it is used."""

import importlib
import os
import sys
from difflib import get_close_matches
from typing import NoReturn

import click
from click.shell_completion import CompletionItem

from regista import __version__

NOUNS: dict[str, tuple[str, str]] = {
    "up": ("regista.cli.server:up", "Start Regista on this machine."),
    "down": ("regista.cli.server:down", "End what runs for Regista on this machine."),
    "workspace": ("regista.cli.scopes:workspace", "Workspaces: where work runs."),
    "registry": ("regista.cli.scopes:registry", "Registries: the shelf that workspaces share."),
    "subscription": ("regista.cli.groups:subscription", "Subscriptions: who pays."),
    "resource-group": ("regista.cli.groups:resource_group", "Resource groups: what belongs together."),
    "model": ("regista.cli.assets:model", "Models: create, find, download, share."),
    "environment": ("regista.cli.assets:environment", "Environments: what jobs and deployments run in."),
    "component": ("regista.cli.assets:component", "Components: steps of pipelines, and whole pipelines."),
    "data": ("regista.cli.assets:data", "Data: files and folders, versioned."),
    "code": ("regista.cli.assets:code", "Code: what jobs and components run."),
    "job": ("regista.cli.jobs:job", "Jobs: commands and pipelines, submitted and followed."),
    "online-endpoint": ("regista.cli.endpoints:online_endpoint", "Endpoints: a stable address, keys, traffic."),
    "online-deployment": ("regista.cli.deployments:online_deployment", "Deployments: what serves behind an endpoint."),
    "compute": ("regista.cli.resources:compute", "Computes: named profiles that jobs may name."),
    "datastore": ("regista.cli.resources:datastore", "Datastores: where a workspace says that bytes are."),
    "connection": ("regista.cli.resources:connection", "Connections: services outside, and the way into them."),
    "can-i": ("regista.cli.deployments:can_i", "Ask before: what would fail, and why."),
    "why": ("regista.cli.why:why", "What was behind an endpoint, at any time."),
    "trace": ("regista.cli.trace:trace", "What led to a model, a job or a deployment."),
    "compare": ("regista.cli.compare:compare", "Jobs of any workspaces side by side, with a verdict."),
    "principal": ("regista.cli.access:principal", "Principals: who may call."),
    "key": ("regista.cli.access:key", "Keys: how a principal proves itself."),
    "role": ("regista.cli.access:role", "Roles: what a principal may do, and where."),
    "store": ("regista.cli.access:store", "Stores: where the bytes of a region are."),
    "audit": ("regista.cli.audit:audit", "Audit: who did or read what, and when."),
    "event": ("regista.cli.audit:event", "Events: what changed, in order, as it happens."),
    "webhook": ("regista.cli.webhooks:webhook", "Webhooks: who outside is told of what happens."),
    "gc": ("regista.cli.collection:collect", "Remove bytes that nothing names any more."),
    "import": ("regista.cli.imports:imports", "Import runs and models that were recorded elsewhere."),
    "profile": ("regista.cli.profile:profile", "Profiles: which server, with which key."),
    "connect": ("regista.cli.connect:connect", "Connect other programs, such as MLflow."),
    "whoami": ("regista.cli.connect:whoami", "Which server answers, and as whom it knows you."),
    "completion": ("regista.cli.connect:completion", "Complete commands with the tab key."),
}
"""Noun or verb at the top: where its command is, and what it is for (so that --help imports nothing)."""


class LazyGroup(click.Group):
    """A group that finds its commands by name and imports them when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All of them, in the order of the table."""
        return [*NOUNS, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in NOUNS:
            return super().get_command(ctx, cmd_name)
        module, _, name = NOUNS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        keep_examples(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List them by the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in NOUNS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the names by the table alone, and options."""
        nouns = [CompletionItem(name, help=text) for name, (_, text) in NOUNS.items() if name.startswith(incomplete)]
        return nouns + click.Command.shell_complete(self, ctx, incomplete)


def keep_examples(command: click.Command) -> None:
    """See to it that help shows examples as they can be typed, not broken into lines of a paragraph."""
    if command.epilog and not command.epilog.startswith("\b"):
        command.epilog = f"\b\n{command.epilog}"
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            keep_examples(inner)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    help="""Machine-learning registries across workspaces: promote, deploy anywhere, trace back.

    \b
    Start here:
      regista up                                       start a server on this machine
      regista workspace create dev                     make a workspace
      regista model create -f model.yml -w dev         register a model in it
      regista completion bash >> ~/.bashrc             complete commands with the tab key
    """,
)
@click.version_option(__version__, prog_name="regista")
def commands() -> None:
    """Everything."""


def cli(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line with *arguments* (None: those of the process).

    Exit status: 0 done, 1 an expected failure (a message and its next step), 2 wrong usage.
    """
    try:
        # Without click's own handling of errors, what a command exits with is returned.
        sys.exit(commands(arguments, prog_name="regista", standalone_mode=False) or 0)
    except click.exceptions.NoSuchCommand as unknown:
        guide(unknown)
        sys.exit(unknown.exit_code)
    except click.ClickException as wrong:
        wrong.show()
        sys.exit(wrong.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Aborted.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read the answer has enough of it; Python would complain at its end that it could not flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except Exception as failure:  # noqa: BLE001 - no input gets a traceback
        report(failure)
        sys.exit(1)


def guide(unknown: click.exceptions.NoSuchCommand) -> None:
    """Say that there is no such command, what is near, and what there is."""
    group = unknown.ctx.command if unknown.ctx else None
    if isinstance(group, click.Group) and unknown.ctx:
        names = group.list_commands(unknown.ctx)
        near = get_close_matches(unknown.command_name, names)
        there = f"Did you mean {' or '.join(map(repr, near))}?" if near else f"There are: {', '.join(names)}."
        unknown = click.exceptions.NoSuchCommand(
            unknown.command_name, f"there is no command {unknown.command_name!r}. {there}", ctx=unknown.ctx
        )
    unknown.show()


def report(failure: Exception) -> None:
    """Say on standard error what went wrong and what to do; the cause too when ``--verbose`` was given."""
    from regista.cli.frame import is_verbose
    from regista.errors import RegistaError

    message, hint = f"this is a fault of Regista's own: {failure!r}", "--verbose shows where."
    cause: BaseException | None = failure
    if isinstance(failure, RegistaError):
        message, hint, cause = failure.message, failure.hint, failure.__cause__
    elif isinstance(failure, OSError) and failure.filename and failure.strerror:
        message, hint = f"{str(failure.filename)!r}: {failure.strerror}", "Is the disk there, writable, and not full?"
    color = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    click.echo(click.style("Error: ", fg="red", bold=True) + message if color else f"Error: {message}", err=True)
    if hint:
        click.echo(click.style("Next:  ", fg="cyan") + hint if color else f"Next:  {hint}", err=True)
    if is_verbose() and cause is not None:
        import traceback

        traceback.print_exception(cause)
