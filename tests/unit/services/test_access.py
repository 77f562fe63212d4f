"""Principals, keys, roles: who may do what, where."""

import itertools
import time

import pytest

from regista.entities.access import BUILT_IN_ROLES, Caller, Grant, Permission, Principal, PrincipalKind, Role
from regista.entities.journal import AuditQuestion
from regista.entities.names import new_id
from regista.entities.page import PageRequest
from regista.entities.scope import ScopeAddress, ScopeKind
from regista.errors import (
    AlreadyExistsError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnauthenticatedError,
)
from regista.services.access.access import SYSTEM
from regista.services.scopes.scopes import NewScope


def test_a_key_opens_until_it_is_revoked_or_has_expired(people):
    house = people.house
    house.principals.create(SYSTEM, "alice", PrincipalKind.USER)
    issued = house.principals.create_key(SYSTEM, "alice", "laptop")
    assert house.access.authenticate(issued.secret).principal.name == "alice"
    house.principals.revoke_key(SYSTEM, "alice", "laptop")
    with pytest.raises(UnauthenticatedError):
        house.access.authenticate(issued.secret)
    brief = house.principals.create_key(SYSTEM, "alice", "brief", seconds=0.001)
    time.sleep(0.01)
    with pytest.raises(UnauthenticatedError):
        house.access.authenticate(brief.secret)


@pytest.mark.parametrize("secret", ["", "rga_wrong", "x" * 10_000, "'; drop table keys; --", "\x00"])
def test_a_wrong_key_opens_nothing_and_is_not_repeated_in_the_error(people, secret):
    with pytest.raises(UnauthenticatedError) as refused:
        people.house.access.authenticate(secret)
    assert not secret or secret not in str(refused.value)


def test_a_rotated_key_gives_way_to_its_heir(people):
    house = people.house
    house.principals.create(SYSTEM, "alice", PrincipalKind.USER)
    old = house.principals.create_key(SYSTEM, "alice", "laptop")
    fresh = house.principals.rotate_key(SYSTEM, "alice", "laptop")
    assert house.access.authenticate(fresh.secret).principal.name == "alice"
    with pytest.raises(UnauthenticatedError):
        house.access.authenticate(old.secret)


def test_no_secret_is_ever_listed_or_recorded(people):
    house = people.house
    house.principals.create(SYSTEM, "alice", PrincipalKind.USER)
    secret = house.principals.create_key(SYSTEM, "alice", "laptop").secret
    said = repr(house.principals.keys(SYSTEM, "alice"))
    said += repr(house.catalog.read(lambda tx: tx.journal.audit(AuditQuestion(), PageRequest(limit=100))))
    said += repr(house.catalog.read(lambda tx: tx.journal.events(0, 100)))
    assert secret not in said
    assert all(key.secret_hash == "" for key in house.principals.keys(SYSTEM, "alice"))


def test_a_narrowed_key_does_less_and_never_issues_a_wider_one(people):
    dev, other = people.workspace("dev"), people.workspace("other")
    house = people.house
    people.somebody("alice", owner="/")
    narrow = house.principals.create_key(
        SYSTEM, "alice", "narrow", paths=(dev.path,), permissions=("assets/*", "scopes/read")
    )
    caller = house.access.authenticate(narrow.secret)
    assert house.scopes.get(caller, dev.address).name == "dev"
    with pytest.raises(NotFoundError):
        house.scopes.get(caller, other.address)
    assert house.scopes.by_id(caller, dev.id) == dev
    for hidden in (other.id, "0" * 32):
        with pytest.raises(NotFoundError, match="of this id"):
            house.scopes.by_id(caller, hidden)
    with pytest.raises(ForbiddenError, match="wider"):
        house.principals.create_key(caller, "alice", "wide", paths=("/",))
    heir = house.access.authenticate(house.principals.create_key(caller, "alice", "heir").secret)
    assert not heir.allows(Permission.JOBS_WRITE, dev.path)


def test_a_disabled_principal_is_shut_out_at_once(people):
    people.house.principals.create(SYSTEM, "alice", PrincipalKind.USER)
    secret = people.house.principals.create_key(SYSTEM, "alice", "k").secret
    people.house.access.authenticate(secret)
    people.house.principals.disable(SYSTEM, "alice")
    with pytest.raises(UnauthenticatedError):
        people.house.access.authenticate(secret)


def test_nobody_gives_more_than_it_has(people):
    dev = people.workspace("dev")
    people.house.principals.put_role(SYSTEM, Role(name="Gatekeeper", permissions=("access/*", "scopes/read")))
    keeper = people.somebody("keeper", gatekeeper=dev.path)
    people.house.principals.create(SYSTEM, "bob", PrincipalKind.USER)
    with pytest.raises(ForbiddenError, match="more than it has"):
        people.house.principals.assign(keeper, "bob", "Owner", dev.path)
    with pytest.raises(ForbiddenError):
        people.house.principals.assign(keeper, "bob", "Gatekeeper", "/")
    assert people.house.principals.assign(keeper, "bob", "Gatekeeper", dev.path)


def test_only_owners_of_the_installation_make_principals_and_roles(people):
    dev = people.workspace("dev")
    contributor = people.somebody("contributor", contributor=dev.path)
    with pytest.raises(ForbiddenError):
        people.house.principals.create(contributor, "mallory", PrincipalKind.USER)
    with pytest.raises(ForbiddenError):
        people.house.principals.put_role(contributor, Role(name="Mine", permissions=("*",)))
    people.house.principals.create(SYSTEM, "somebody-else", PrincipalKind.USER)
    with pytest.raises(ForbiddenError):
        people.house.principals.create_key(contributor, "somebody-else", "x")


def test_a_built_in_role_cannot_be_changed(people):
    with pytest.raises(AlreadyExistsError):
        people.house.principals.put_role(SYSTEM, Role(name="Reader", permissions=("*",)))


@pytest.mark.parametrize("path", ["", "relative", "/a//b", "/a/", "//", "/" + "x" * 2000])
def test_a_path_that_is_none_is_refused(people, path):
    people.house.principals.create(SYSTEM, "bob", PrincipalKind.USER)
    with pytest.raises(InvalidError):
        people.house.principals.assign(SYSTEM, "bob", "Reader", path)


def test_a_right_taken_away_is_gone_at_once(people):
    dev = people.workspace("dev")
    people.house.principals.create(SYSTEM, "bob", PrincipalKind.USER)
    secret = people.house.principals.create_key(SYSTEM, "bob", "k").secret
    given = people.house.principals.assign(SYSTEM, "bob", "Reader", dev.path)
    assert people.house.scopes.get(people.house.access.authenticate(secret), dev.address)
    people.house.principals.unassign(SYSTEM, given.id)
    with pytest.raises(NotFoundError):
        people.house.scopes.get(people.house.access.authenticate(secret), dev.address)


def test_a_name_that_could_mean_two_workspaces_is_not_guessed(people):
    for group in ("one", "two"):
        people.house.scopes.create(SYSTEM, NewScope(kind=ScopeKind.WORKSPACE, name="dev", resource_group=group))
    with pytest.raises(InvalidError, match="one of several"):
        people.house.scopes.get(SYSTEM, ScopeAddress(ScopeKind.WORKSPACE, "dev"))
    assert (
        people.house.scopes.get(SYSTEM, ScopeAddress(ScopeKind.WORKSPACE, "dev", "default", "two")).resource_group
        == "two"
    )


PATHS = ("/", "/subscriptions/s", "/subscriptions/s/resourceGroups/g", "/subscriptions/s/resourceGroups/g/workspaces/w")


@pytest.mark.parametrize(("role", "granted", "asked"), list(itertools.product(BUILT_IN_ROLES, range(4), range(4))))
def test_a_role_holds_at_its_path_and_below_and_nowhere_else(role, granted, asked):
    caller = Caller(
        principal=Principal(id="p", kind=PrincipalKind.USER, name="p"),
        grants=(Grant(PATHS[granted], role.permissions),),
    )
    for permission in Permission:
        within = granted <= asked and Grant("/", role.permissions).covers(permission, "/")
        assert caller.allows(permission, PATHS[asked]) is within
        assert not caller.allows(permission, "/subscriptions/s2") or granted == 0
        assert not caller.allows(permission, PATHS[asked] + "x") or granted < asked or granted == 0


class TestNamesAndIds:
    def test_nobody_is_called_like_an_id(self, people):
        ann = people.somebody("ann")
        for make in (
            lambda: people.house.principals.create(SYSTEM, ann.principal.id, "user"),
            lambda: people.house.principals.create_key(SYSTEM, "ann", "0" * 32),
        ):
            with pytest.raises(InvalidError, match="looks like an id"):
                make()

    def test_who_is_called_like_anothers_id_from_of_old_gets_none_of_its_rights(self, people):
        """Before names were checked for it, such a principal could be made."""
        dev = people.workspace("dev")
        ann = people.somebody("ann", Owner="/")
        masked = Principal(id=new_id(), kind=PrincipalKind.USER, name=ann.principal.id)
        people.house.catalog.write(lambda tx: tx.access.put_principal(masked))
        people.house.principals.assign(SYSTEM, masked.name, "Reader", dev.path)
        read = people.house.catalog.read
        assert read(lambda tx: people.house.access.caller_named(tx, masked.name)).principal == masked
        assert read(lambda tx: people.house.access.caller_for(tx, ann.principal.id)).principal == ann.principal
        assert [one.principal_id for one in people.house.principals.assignments(SYSTEM, path=dev.path)] == [masked.id]
        secret = people.house.principals.create_key(SYSTEM, masked.name, "k").secret
        assert not people.house.access.authenticate(secret).allows(Permission.ASSETS_WRITE, dev.path)

    def test_a_principal_is_meant_by_its_id_too(self, people):
        ann = people.somebody("ann")
        assert people.house.principals.disable(SYSTEM, ann.principal.id).name == "ann"

    def test_revoking_by_name_ends_every_key_of_the_name(self, people):
        people.somebody("ann")
        principals = people.house.principals
        old = principals.create_key(SYSTEM, "ann", "laptop")
        fresh = principals.rotate_key(SYSTEM, "ann", "laptop", grace_seconds=3600)
        principals.revoke_key(SYSTEM, "ann", "laptop")
        for issued in (old, fresh):
            with pytest.raises(UnauthenticatedError):
                people.house.access.authenticate(issued.secret)
        with pytest.raises(ConflictError, match="has ended") as refusal:
            principals.rotate_key(SYSTEM, "ann", "laptop")
        assert "key create laptop --principal ann" in refusal.value.hint

    def test_revoking_by_id_ends_that_key_alone(self, people):
        people.somebody("ann")
        principals = people.house.principals
        one, other = (principals.create_key(SYSTEM, "ann", "laptop") for _ in range(2))
        principals.revoke_key(SYSTEM, "ann", one.key.id)
        assert people.house.access.authenticate(other.secret).principal.name == "ann"
