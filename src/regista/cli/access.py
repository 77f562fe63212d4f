"""``regista principal``, ``key`` and ``store``: who may call, how it proves itself, where bytes are."""

import re
from pathlib import Path
from typing import Any

import click

from regista.cli.frame import common, confirm, connect, named, say, show
from regista.cli.options import unasked
from regista.cli.roles import role
from regista.entities.access import IssuedKey, Key, PrincipalKind

__all__ = ["key", "principal", "role", "store"]

_PRINCIPALS = ("name", "kind", "disabled", "display_name", "created_at")
_KEYS = ("name", "id", "created_at", "expires_at", "revoked_at", "paths", "permissions")
_LIVING = tuple(name for name in _KEYS if name != "revoked_at")


@click.group()
def principal() -> None:
    """Principals: people and programs that may call. A new one may do nothing until it is given a role."""


@principal.command("create", epilog="Example: regista principal create alice --display-name 'Alice A.'")
@named
@click.option(
    "--kind",
    type=click.Choice([one.value for one in PrincipalKind]),
    default=PrincipalKind.USER.value,
    show_default=True,
)
@click.option("--display-name", default="")
@common
def create_principal(name: str, kind: str, display_name: str, output: str, profile: str | None) -> None:
    """Make a principal without any right."""
    show(connect(profile).principals.create(name, kind=kind, display_name=display_name), output)
    say(
        f"Next:  regista key create laptop --principal {name}; regista role assign --principal {name} --role Reader -w WORKSPACE"
    )


@principal.command("list", epilog="Example: regista principal list")
@common
def list_principals(output: str, profile: str | None) -> None:
    """All principals, or only you where you may not see others."""
    show(connect(profile).principals.list(), output, _PRINCIPALS)


@principal.command("disable", epilog="Example: regista principal disable alice")
@named
@common
def disable(name: str, output: str, profile: str | None) -> None:
    """Close every door to a principal at once; its keys and roles are kept."""
    show(connect(profile).principals.disable(name), output)


@principal.command("enable", epilog="Example: regista principal enable alice")
@named
@common
def enable(name: str, output: str, profile: str | None) -> None:
    """Open the doors again."""
    show(connect(profile).principals.enable(name), output)


@click.group()
def key() -> None:
    """Keys: how a principal proves itself. A secret is shown once, when its key is made."""


def _owner(client: Any, given: str | None) -> str:
    """The principal that was named, else the caller itself."""
    return given or client.about()["principal"]


@key.command("create", epilog="Example: regista key create laptop --principal alice --expires-in 30d")
@named
@click.option("--principal", "owner", help="Whose.  [default: yours]")
@click.option("--expires-in", metavar="TIME", help="Such as 90s, 12h or 30d.  [default: until it is revoked]")
@click.option("--scope", "paths", multiple=True, metavar="PATH", help="Opens nothing outside this path.")
@click.option("-w", "--workspace-name", "workspaces", multiple=True, help="Opens nothing outside this workspace.")
@click.option("-r", "--registry-name", "registries", multiple=True, help="Opens nothing outside this registry.")
@click.option("--permission", "permissions", multiple=True, metavar="PATTERN", help="Allows no more than this.")
@common
def create_key(
    name: str,
    owner: str | None,
    expires_in: str | None,
    paths: tuple[str, ...],
    workspaces: tuple[str, ...],
    registries: tuple[str, ...],
    permissions: tuple[str, ...],
    output: str,
    profile: str | None,
) -> None:
    """Issue a key and show its secret, this once. Narrowed to places or permissions, it opens and allows no more than all of
    them together."""
    client = connect(profile)
    paths += tuple(client.workspaces.get(one).path for one in workspaces)
    paths += tuple(client.registries.get(one).path for one in registries)
    issued = client.keys.create(
        _owner(client, owner), name, seconds=seconds(expires_in), paths=paths, permissions=permissions
    )
    _show_issued(issued, output)


def seconds(text: str | None) -> float | None:
    """A span such as 90s, 15m, 12h or 30d in seconds."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d+)\s*([smhd])", text.strip())
    if not found:
        raise click.UsageError(f"a time is written such as 90s, 15m, 12h or 30d, not {text!r}")
    return float(int(found[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]])


def _show_issued(issued: IssuedKey, output: str) -> None:
    show(_visible(issued.key) | {"secret": issued.secret}, output)
    say(
        "The secret is not shown again. Keep it in a file that only its owner can read; programs take it as REGISTA_KEY."
    )


def _visible(one: Key) -> dict[str, Any]:
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(one)
    del plain["secret_hash"]
    return plain


@key.command("list", epilog="Example: regista key list --principal alice")
@click.option("--principal", "owner", help="Whose.  [default: yours]")
@click.option("--all", "ended", is_flag=True, help="Those that were revoked or have expired too.")
@common
def list_keys(owner: str | None, ended: bool, output: str, profile: str | None) -> None:
    """A principal's keys that open, without anything secret. A job has one of its own for as long as it runs."""
    from regista.entities.names import now

    client = connect(profile)
    found = client.keys.list(_owner(client, owner))
    open_ = [one for one in found if one.is_live(now())]
    show([_visible(one) for one in (found if ended else open_)], output, _KEYS if ended else _LIVING)
    if not ended and len(found) > len(open_):
        say(f"{len(found) - len(open_)} more have ended: --all shows them.")


@key.command("revoke", epilog="Example: regista key revoke laptop --principal alice")
@named
@click.option("--principal", "owner", help="Whose.  [default: yours]")
@unasked
@common
def revoke(name: str, owner: str | None, yes: bool, output: str, profile: str | None) -> None:
    """End a key, by its name or id, now."""
    client = connect(profile)
    whose = _owner(client, owner)
    confirm(f"Revoke the key {name!r} of {whose}?", yes=yes)
    client.keys.revoke(whose, name)
    show({"revoked": name, "principal": whose}, output)


@key.command("rotate", epilog="Example: regista key rotate laptop --principal alice --grace 1h")
@named
@click.option("--principal", "owner", help="Whose.  [default: yours]")
@click.option("--grace", default="0s", metavar="TIME", help="How long the old one still opens.  [default: 0s]")
@common
def rotate(name: str, owner: str | None, grace: str, output: str, profile: str | None) -> None:
    """Issue a key like the old one, which ends after the grace."""
    client = connect(profile)
    _show_issued(client.keys.rotate(_owner(client, owner), name, grace_seconds=seconds(grace) or 0), output)


@click.group()
def store() -> None:
    """Stores: where the bytes are. A region is bound to one; those bound to none use 'default'."""


@store.command("create", epilog="Example: regista store create eu --path /data/eu --region westeurope")
@named
@click.option("--path", type=click.Path(path_type=Path), help="A folder on the server's machine.")
@click.option("--url", help="Or an address, such as file:///data/eu.")
@click.option(
    "--region", "regions", multiple=True, required=True, help="A region bound to it; may be given several times."
)
@common
def create_store(
    name: str, path: Path | None, url: str | None, regions: tuple[str, ...], output: str, profile: str | None
) -> None:
    """Add a store, or bind other regions to one that is there (its address never changes)."""
    if bool(path) == bool(url):
        raise click.UsageError("give --path or --url")
    show(connect(profile).stores.put(name, url=url or path.absolute().as_uri(), regions=regions), output)  # type: ignore[union-attr]


@store.command("list", epilog="Example: regista store list")
@common
def list_stores(output: str, profile: str | None) -> None:
    """All stores with their regions."""
    show(connect(profile).stores.list(), output, ("name", "url", "regions", "created_at"))
