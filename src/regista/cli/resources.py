"""``regista compute``, ``datastore`` and ``connection``."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from regista.cli.frame import confirm, maybe_named, named, pairs, show
from regista.cli.options import in_workspace, overriding, tagged, unasked, yaml_file

if TYPE_CHECKING:
    from regista.client import Regista

_COLUMNS = {
    "compute": ("name", "type", "state", "size", "min_instances", "max_instances", "description"),
    "datastore": ("name", "type", "is_default", "credentials_type", "created_at", "description"),
    "connection": ("name", "type", "target", "credentials_type", "created_at"),
}
_OPTIONS = {
    "compute": ("type", "size", "min-instances", "max-instances", "description"),
    "datastore": (),
    "connection": (),
}
_SECRET = click.option("--include-secrets", "secrets", is_flag=True, help="With what opens it, where you may know it.")


def _client(client: "Regista", noun: str) -> Any:
    return {"compute": client.computes, "datastore": client.datastores, "connection": client.connections}[noun]


def _add_writers(group: click.Group, noun: str, example: str) -> None:
    def write(verb: str, words: str) -> None:
        def run(
            client: "Regista",
            output: str,
            name: str,
            file: Path | None,
            overrides: tuple[str, ...],
            tags: tuple[str, ...] = (),
            **fields: Any,
        ) -> None:
            if not (name or file):
                raise click.UsageError("give a name or --file")
            given = {"name": name or None, "tags": pairs(tags, "tags") or None, **fields}
            method = _client(client, noun).create if verb == "create" else _client(client, noun).put
            show(method(file, overrides=overrides, **given), output)

        command = in_workspace(run)
        for option in reversed(_OPTIONS[noun]):
            command = click.option(f"--{option}")(command)
        if noun != "connection":
            command = tagged("May be given several times.")(command)
        command = maybe_named(yaml_file(noun)(overriding()(command)))
        example_line = f"Example: regista {noun} {verb} -f {noun}.yml -w dev"
        group.command(verb, help=words, epilog=example_line)(command)

    write("create", f"Make a {noun} from a file. A taken name is refused.{example}")
    write("update", f"Make a {noun}, or replace it by what the file says.")


def _add_readers(group: click.Group, noun: str) -> None:
    @group.command("list", help=f"List the {noun}s of a workspace.", epilog=f"Example: regista {noun} list -w dev")
    @in_workspace
    def list_them(client: "Regista", output: str) -> None:
        show(_client(client, noun).list(), output, _COLUMNS[noun])

    @group.command(
        "delete",
        help=f"Forget a {noun}. What it stands for stays as it is.",
        epilog=f"Example: regista {noun} delete mine -w dev --yes",
    )
    @named
    @unasked
    @in_workspace
    def delete(client: "Regista", output: str, name: str, yes: bool) -> None:
        confirm(f"Delete {noun} {name!r}?", yes=yes)
        _client(client, noun).delete(name)
        show({"deleted": name}, output)


def _add_show(group: click.Group, noun: str) -> None:
    if noun == "compute":

        @group.command("show", help="Show a compute.", epilog="Example: regista compute show cpu -w dev")
        @named
        @in_workspace
        def show_compute(client: "Regista", output: str, name: str) -> None:
            show(client.computes.get(name), output)

        return

    @group.command("show", help=f"Show a {noun}.", epilog=f"Example: regista {noun} show mine -w dev")
    @named
    @_SECRET
    @in_workspace
    def show_one(client: "Regista", output: str, name: str, secrets: bool) -> None:
        import msgspec

        found = msgspec.to_builtins(_client(client, noun).get(name))
        if secrets:
            found["credentials"] |= _client(client, noun).secrets(name).values
        show(found, output)


def _group(noun: str, purpose: str, example: str = "") -> click.Group:
    group = click.Group(noun, help=purpose)
    _add_writers(group, noun, example)
    _add_readers(group, noun)
    _add_show(group, noun)
    return group


compute = _group(
    "compute",
    "Computes: named profiles that jobs may name. They are records: nothing is started or paid for by them.",
)
datastore = _group("datastore", "Datastores: where a workspace says that bytes are. Two are built in.")
connection = _group("connection", "Connections: services outside, and the way into them. Secrets are kept sealed.")


def _add_state(verb: str, words: str) -> None:
    @compute.command(verb, help=words, epilog=f"Example: regista compute {verb} mine -w dev")
    @named
    @in_workspace
    def change(client: "Regista", output: str, name: str) -> None:
        show(client.computes.change_state(name, verb), output)  # type: ignore[arg-type]


_add_state("start", "Write down that a compute instance runs.")
_add_state("stop", "Write down that a compute instance does not run.")
_add_state("restart", "Write down that a compute instance runs again.")


@datastore.command("set-default", epilog="Example: regista datastore set-default mine -w dev")
@named
@in_workspace
def set_default(client: "Regista", output: str, name: str) -> None:
    """Use a datastore where none is named."""
    show(client.datastores.set_default(name), output)
