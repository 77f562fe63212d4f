"""``regista role``: what a principal may do, and where."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from regista.cli.frame import common, connect, named, show
from regista.errors import NotFoundError

if TYPE_CHECKING:
    from regista.client import Regista
    from regista.entities.access import RoleAssignment

F = TypeVar("F", bound=Callable[..., Any])

_ASSIGNMENTS = ("principal", "role", "path", "id", "created_at", "created_by")


@click.group()
def role() -> None:
    """Roles: named lists of permissions, given to principals somewhere in the tree of scopes, and so everywhere below."""


@role.command("list", epilog="Example: regista role list")
@common
def list_roles(output: str, profile: str | None) -> None:
    """Built-in roles first, then your own."""
    show(connect(profile).roles.list(), output, ("name", "permissions", "description"))


@role.command("create", epilog="Example: regista role create Auditor --permission '*/read' --permission jobs/logs")
@named
@click.option(
    "--permission", "permissions", multiple=True, required=True, help="A pattern; may be given several times."
)
@click.option("--description", default="")
@common
def create_role(name: str, permissions: tuple[str, ...], description: str, output: str, profile: str | None) -> None:
    """Make a role of your own, or change it."""
    show(connect(profile).roles.put(name, permissions, description=description), output)


@role.command("delete", epilog="Example: regista role delete Auditor")
@named
@common
def delete_role(name: str, output: str, profile: str | None) -> None:
    """Delete a role of your own that nobody has."""
    connect(profile).roles.delete(name)
    show({"deleted": name}, output)


def placed(function: F) -> F:
    """``--scope``, ``--workspace-name`` or ``--registry-name``, and ``--target`` for a thing in it; the command gets ``client``
    and ``path`` (empty: none given)."""

    @click.option("--scope", default="", metavar="PATH", help="A path: / for everything, /subscriptions/S, and below.")
    @click.option("-w", "--workspace-name", "workspace", default="", help="In this workspace.")
    @click.option("-r", "--registry-name", "registry", default="", help="In this registry.")
    @click.option("--target", default="", metavar="THING", help="One thing there, such as models/churn.")
    @common
    @functools.wraps(function)
    def wrapped(scope: str, workspace: str, registry: str, target: str, profile: str | None, **kwargs: Any) -> Any:
        if sum(map(bool, (scope, workspace, registry))) > 1:
            raise click.UsageError("give one of --scope, --workspace-name and --registry-name")
        client = connect(profile)
        if workspace:
            scope = client.workspaces.get(workspace).path
        elif registry:
            scope = client.registries.get(registry).path
        if target and not scope:
            raise click.UsageError("say where --target lies: --workspace-name, --registry-name or --scope")
        path = f"{scope.rstrip('/')}/{target.strip('/')}" if target else scope
        return function(client=client, path=path, **kwargs)

    return wrapped  # type: ignore[return-value]


@role.command("assign", epilog="Example: regista role assign --principal alice --role 'Data Scientist' -w dev")
@click.option("--principal", required=True)
@click.option("--role", "role_name", required=True, help="See: regista role list")
@placed
def assign(client: "Regista", path: str, principal: str, role_name: str, output: str) -> None:
    """Give a role at a place and everywhere below it; the same again changes nothing."""
    if not path:
        raise click.UsageError("say where: --workspace-name, --registry-name, or --scope / for everywhere")
    given = client.roles.assign(principal, role_name, path)
    show(_row(given, {given.principal_id: principal}), output)


@role.command("unassign", epilog="Example: regista role unassign --principal alice --role Reader -w dev")
@click.option("--id", "assignment", default="", help="The assignment, instead of the other options.")
@click.option("--principal", default="")
@click.option("--role", "role_name", default="")
@placed
def unassign(client: "Regista", path: str, assignment: str, principal: str, role_name: str, output: str) -> None:
    """Take a role away."""
    if bool(assignment) == bool(principal and role_name and path):
        raise click.UsageError("give --id, or --principal and --role with --scope, --workspace-name or --registry-name")
    if not assignment:
        found = [
            one for one in client.roles.assignments(principal=principal) if (one.role, one.path) == (role_name, path)
        ]
        if not found:
            raise NotFoundError(
                f"{principal} has no role {role_name!r} at {path}",
                hint=f"See: regista role assignments --principal {principal}",
            )
        assignment = found[0].id
    client.roles.unassign(assignment)
    show({"deleted": assignment}, output)


@role.command("assignments", epilog="Example: regista role assignments --principal alice")
@click.option("--principal", default="", help="Only of this one.")
@placed
def assignments(client: "Regista", path: str, principal: str, output: str) -> None:
    """Who has which role where, as far as you may see it."""
    found = client.roles.assignments(principal=principal, path=path)
    names = {one.id: one.name for one in client.principals.list()}
    show([_row(one, names) for one in found], output, _ASSIGNMENTS)


def _row(one: "RoleAssignment", names: dict[str, str]) -> dict[str, Any]:
    import msgspec

    row: dict[str, Any] = msgspec.to_builtins(one)
    return {"principal": names.get(one.principal_id, one.principal_id)} | row
