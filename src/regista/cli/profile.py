"""``regista profile``: which server, with which key."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from regista.cli.frame import common, named, say, show
from regista.errors import AlreadyExistsError, InvalidError, NotFoundError

if TYPE_CHECKING:
    from regista.client.profiles import Profile

_COLUMNS = ("name", "default", "url", "key", "ca", "workspace", "registry")


@click.group()
def profile() -> None:
    """Profiles: servers that you know, each with the file of your key for it."""


@profile.command("add", epilog="Example: regista profile add prod --url https://ml.example:8470 --key-file ~/prod.key")
@named
@click.option("--url", default="", help="The server's address.")
@click.option("--local", is_flag=True, help="The server on this machine, with its CA and its owner's key.")
@click.option("--key-file", type=click.Path(dir_okay=False, path_type=Path), help="The file that holds the key.")
@click.option("--key-stdin", is_flag=True, help="Read the key from standard input and keep it beside the profiles.")
@click.option(
    "--ca", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Whom to trust (ca.pem of 'regista up')."
)
@click.option("-w", "--workspace-name", "workspace", default="", help="The workspace where none is said.")
@click.option("-r", "--registry-name", "registry", default="", help="The registry where none is said.")
@click.option(
    "--default", "chosen", is_flag=True, help="Use it where no profile is said.  [default: only the first one]"
)
@click.option("--no-check", is_flag=True, help="Do not ask the server whether it knows the key.")
@click.option("--overwrite", is_flag=True, help="Replace a profile of that name.")
@common
def add(
    name: str,
    chosen: bool,
    no_check: bool,
    overwrite: bool,
    output: str,
    profile: str | None,  # noqa: ARG001 - every command has the option
    **said: Any,
) -> None:
    """Note a server and a key. The first one is what is used where no profile is said, until 'regista profile use'."""
    from regista.client.profiles import read_profiles, write_profiles

    drafted = _drafted(**said)
    if name == "default" or not name.isprintable():
        raise InvalidError(f"{name!r} cannot name a profile", hint="Choose another name.")
    default, known = read_profiles()
    if name in known and not overwrite:
        raise AlreadyExistsError(f"there is a profile {name!r} already", hint="Give --overwrite to replace it.")
    if not no_check:
        _check(drafted)
    if drafted.key:
        drafted = _with_key_file(drafted, name)
    default = name if chosen else default or name
    write_profiles(default, known | {name: drafted})
    show(_row(name, drafted, default), output)
    _say_default(name, default)


def _drafted(
    *, url: str, local: bool, key_file: Path | None, key_stdin: bool, ca: Path | None, workspace: str, registry: str
) -> "Profile":
    """The profile that the options describe."""
    from regista.client.profiles import Profile, local_profile

    scope = {"workspace": workspace, "registry": registry}
    if local:
        if url or ca or key_file or key_stdin:
            raise click.UsageError("--local knows address, CA and key: leave --url, --ca and --key-… out")
        found = local_profile()
        return Profile(url=found.url, ca=found.ca, key_file=found.key_file, **scope)
    if not url:
        raise click.UsageError("give --url, or --local for the server on this machine")
    if bool(key_file) == key_stdin:
        raise click.UsageError("give --key-file or --key-stdin")
    return Profile(
        url=url,
        key=_typed_key() if key_stdin else "",
        key_file=str(key_file.expanduser().absolute()) if key_file else "",
        ca=str(ca.absolute()) if ca else "",
        **scope,
    )


def _say_default(name: str, default: str) -> None:
    if name == default:
        say(f"{name} is used from now on where no profile is said.")
    else:
        say(f"{default} stays what is used where no profile is said. To change that: regista profile use {name}")


def _typed_key() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Key", hide_input=True, err=True)).strip()
    return sys.stdin.readline().strip()


def _check(drafted: "Profile") -> None:
    from regista.client import connect

    about = connect(drafted.url, key=drafted.secret(), ca=drafted.ca or None).about()
    say(f"{drafted.url} knows you as {about['principal']}.")


def _with_key_file(drafted: "Profile", name: str) -> "Profile":
    """The same with the key in a file of its own that only its owner can read."""
    import msgspec

    from regista.client.profiles import config_file

    path = config_file().parent / f"{name.replace(os.sep, '_')}.key"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)  # whoever may read an old file of this name shall not read the new one
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(drafted.key + "\n")
    return msgspec.structs.replace(drafted, key="", key_file=str(path))


@profile.command("list", epilog="Example: regista profile list")
@common
def list_profiles(output: str, profile: str | None) -> None:  # noqa: ARG001 - every command has the option
    """The profiles that there are; keys are not shown."""
    from regista.client.profiles import read_profiles

    default, known = read_profiles()
    show([_row(name, one, default) for name, one in known.items()], output, _COLUMNS)


@profile.command("show", epilog="Example: regista profile show prod")
@named
@common
def show_profile(name: str, output: str, profile: str | None) -> None:  # noqa: ARG001 - every command has the option
    """One profile; its key is not shown."""
    default, known = _known(name)
    show(_row(name, known[name], default), output)


@profile.command("use", epilog="Example: regista profile use prod")
@named
@common
def use(name: str, output: str, profile: str | None) -> None:  # noqa: ARG001 - every command has the option
    """Make a profile the one that is used when none is said."""
    from regista.client.profiles import write_profiles

    _, known = _known(name)
    write_profiles(name, known)
    show(_row(name, known[name], name), output)
    _say_default(name, name)


@profile.command("remove", epilog="Example: regista profile remove prod")
@named
@common
def remove(name: str, output: str, profile: str | None) -> None:  # noqa: ARG001 - every command has the option
    """Forget a profile. The key's file stays."""
    from regista.client.profiles import write_profiles

    default, known = _known(name)
    del known[name]
    write_profiles("" if default == name else default, known)
    show({"removed": name}, output)
    if default == name:
        others = f"; choose another with 'regista profile use': {', '.join(known)}" if known else ""
        say(f"Where no profile is said, the server on this machine is used from now on{others}")


def _known(name: str) -> "tuple[str, dict[str, Profile]]":
    from regista.client.profiles import read_profiles

    default, known = read_profiles()
    if name not in known:
        raise NotFoundError(f"there is no profile {name!r}", hint=f"There is: {', '.join(known) or 'none'}.")
    return default, known


def _row(name: str, one: "Profile", default: str) -> dict[str, Any]:
    key = one.key_file or ("in the profile" if one.key else "")
    return {"name": name, "default": name == default, "url": one.url, "key": key, "ca": one.ca,
            "workspace": one.workspace, "registry": one.registry}  # fmt: skip
