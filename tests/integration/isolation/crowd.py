"""Everybody who might come to the door of one scope."""

from collections.abc import Iterator

from regista.entities.scope import Scope
from regista.services.access.access import SYSTEM
from tests.integration.isolation.roles import MAY, READ
from tests.integration.isolation.world import KINDS, Somebody, World

ELSEWHERE = {"dev": "other", "central": "shelf"}


def crowd(world: World, scope: Scope) -> Iterator[Somebody]:
    """Strangers, every role at every kind of place, and keys that are narrower than their owner."""
    yield from strangers(world, scope.name)
    path, other = world.path(scope), world.path(world.scopes[ELSEWHERE[scope.name]])
    group = path.rsplit("/", 2)[0]
    single = tuple(world.path(scope, kind, "a") for kind in KINDS)
    places = {
        "the installation": ("/",), "the subscription": ("/subscriptions/default",), "the group": (group,),
        "the scope": (path,), "the other scope": (other,), "single assets": single, "nowhere": (),
    }  # fmt: skip
    for role in MAY:
        for place, paths in places.items():
            if place == "nowhere" and role != "Owner":
                continue
            name = f"{role} at {place}"
            login = f"{scope.name}-{name}".replace(" ", "-")
            yield Somebody(name, world.key_of(login, role, *paths), role, paths)
    yield from narrowed(world, scope, path, other)


def strangers(world: World, prefix: str) -> Iterator[Somebody]:
    """Whoever has no living key."""
    principals = world.house.principals
    yield Somebody("nobody", None)
    for name in ("wrong", "empty", "expired", "revoked", "disabled"):
        key = world.key_of(f"{prefix}-{name}", "Owner", "/", seconds=0.001 if name == "expired" else None)
        if name == "revoked":
            principals.revoke_key(SYSTEM, f"{prefix}-{name}", "k")
        if name == "disabled":
            principals.disable(SYSTEM, f"{prefix}-{name}")
        yield Somebody(name, {"wrong": key[:-1] + ("a" if key[-1] != "a" else "b"), "empty": ""}.get(name, key))


def narrowed(world: World, scope: Scope, path: str, other: str) -> Iterator[Somebody]:
    """Keys of an owner of everything that reach less far."""
    login = f"{scope.name}-narrow"
    world.key_of(login, "Owner", "/")
    job = (
        "scopes/read",
        "jobs/read",
        "jobs/write",
        "jobs/logs",
        "jobs/cancel",
        "assets/read",
        "assets/write",
        "assets/download",
    )
    job_doings = {
        "see scope", "see jobs", "write jobs", "job logs", "cancel jobs", "see assets", "write assets", "download",
    }  # fmt: skip
    wishes = {
        "a key for the scope": ({"paths": (path,)}, {"within": (path,)}),
        "a key for the other scope": ({"paths": (other,)}, {"within": (other,)}),
        "a key for single assets": (
            {"paths": tuple(world.path(scope, kind, "a") for kind in KINDS)},
            {"within": tuple(world.path(scope, kind, "a") for kind in KINDS)},
        ),
        "a key for reading": ({"permissions": ("*/read", "assets/download")}, {"only": READ | {"download"}}),
        "a job key": ({"paths": (path,), "permissions": job}, {"within": (path,), "only": job_doings}),
    }
    for name, (wish, limits) in wishes.items():
        issued = world.house.principals.create_key(SYSTEM, login, name, **wish)
        yield Somebody(name, issued.secret, "Owner", ("/",), **limits)
