"""The command ``regista``: nouns and verbs as in ``az ml``. Each noun's module is imported only when it is used."""

import importlib
import sys

import click

from regista import __version__

NOUNS: dict[str, tuple[str, str]] = {
    "up": ("regista.cli.server:up", "Start Regista on this machine."),
    "workspace": ("regista.cli.scopes:workspace", "Workspaces: where work runs."),
    "registry": ("regista.cli.scopes:registry", "Registries: the shelf that workspaces share."),
    "subscription": ("regista.cli.scopes:subscription", "Subscriptions: who pays."),
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
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List them by the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in NOUNS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest command for one that is not there."""
        if args and args[0] not in NOUNS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], NOUNS, n=1)
            ctx.fail(f"there is no command {args[0]!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="regista")
def commands() -> None:
    r"""Machine-learning registries across workspaces: promote, deploy anywhere, trace back.

    \b
    Start here:
      regista up                                       start a server on this machine
      regista workspace create --name dev              make a workspace
      regista model create -f model.yml -w dev         register a model in it
      regista completion bash >> ~/.bashrc             complete commands with the tab key
    """


def cli() -> None:
    """Run the command line; an expected failure is a message and its next step, and exit status 1."""
    from regista.errors import RegistaError

    try:
        commands(standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as wrong:
        wrong.show()
        sys.exit(wrong.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Aborted.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except RegistaError as failure:
        report(failure)
        sys.exit(1)


def report(failure: "Exception") -> None:
    """Say on standard error what went wrong and what to do; the cause too when ``--verbose`` was given."""
    from regista.cli.frame import is_verbose
    from regista.errors import RegistaError

    color = sys.stderr.isatty()
    message = failure.message if isinstance(failure, RegistaError) else str(failure)
    hint = failure.hint if isinstance(failure, RegistaError) else ""
    click.echo(click.style("Error: ", fg="red", bold=True) + message if color else f"Error: {message}", err=True)
    if hint:
        click.echo(click.style("Next:  ", fg="cyan") + hint if color else f"Next:  {hint}", err=True)
    if is_verbose() and failure.__cause__ is not None:
        import traceback

        traceback.print_exception(failure.__cause__)
