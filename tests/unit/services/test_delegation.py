"""Keys and roles: nobody gives more than it has, no key outgrows or outlives the one that issued it."""

import time

import pytest

from regista.entities.access import Permission, Role
from regista.entities.asset import AssetKind
from regista.errors import ForbiddenError, InvalidError, NotFoundError
from regista.services.access.access import SYSTEM


@pytest.fixture
def keys(people):
    return people.house.principals


@pytest.fixture
def narrow(people, keys):
    """Alice, an owner of everything, calling with a key for an hour and for reading alone."""
    people.somebody("alice", owner="/")
    issued = keys.create_key(SYSTEM, "alice", "narrow", seconds=3600, permissions=("*/read",))
    return people.house.access.authenticate(issued.secret)


class TestNarrowedKeys:
    def test_it_rotates_no_key_that_is_wider(self, keys, narrow):
        with pytest.raises(ForbiddenError, match="wider"):
            keys.rotate_key(narrow, "alice", "test")

    def test_it_revokes_no_key_that_is_wider(self, people, keys, narrow):
        with pytest.raises(ForbiddenError, match="wider"):
            keys.revoke_key(narrow, "alice", "test")
        assert [key.revoked_at for key in keys.keys(SYSTEM, "alice") if key.name == "test"] == [None]

    def test_what_it_issues_ends_when_it_ends_itself(self, people, keys, narrow):
        heir = keys.create_key(narrow, "alice", "heir").key
        assert heir.permissions == ("*/read",)
        assert heir.expires_at == narrow.expires_at
        long = keys.create_key(narrow, "alice", "long", seconds=10**6).key
        assert long.expires_at == narrow.expires_at
        assert keys.create_key(narrow, "alice", "short", seconds=1).key.expires_at < narrow.expires_at

    def test_it_does_not_prolong_itself(self, keys, narrow):
        time.sleep(0.01)
        assert keys.rotate_key(narrow, "alice", "narrow").key.expires_at <= narrow.expires_at

    def test_installation_rights_in_a_narrow_key_open_no_other_principal(self, people, keys):
        people.somebody("root", owner="/")
        people.somebody("victim", owner="/")
        issued = keys.create_key(SYSTEM, "root", "admin", permissions=("installation/*", "*/read"))
        caller = people.house.access.authenticate(issued.secret)
        for act in (keys.create_key, keys.rotate_key):
            with pytest.raises(ForbiddenError):
                act(caller, "victim", "test")

    @pytest.mark.parametrize("permissions", [("*",), ("assets/*",), ("*/????",), ("[a-z]*",)])
    def test_no_pattern_says_more_than_the_key(self, keys, narrow, permissions):
        with pytest.raises(ForbiddenError):
            keys.create_key(narrow, "alice", "wide", permissions=(*permissions, "installation/write"))

    def test_one_for_a_single_asset_is_good_for_that(self, people, keys):
        dev = people.workspace("dev")
        people.version(dev, name="one")
        people.somebody("bob", owner="/")
        path = f"{dev.path}/models/one"
        caller = people.house.access.authenticate(keys.create_key(SYSTEM, "bob", "single", paths=(path,)).secret)
        assert people.house.assets.get(caller, dev.address, AssetKind.MODEL, "one").version == "1"
        with pytest.raises(NotFoundError):
            people.house.assets.get(caller, dev.address, AssetKind.MODEL, "other")


class TestCustomRoles:
    def test_whoever_runs_the_installation_makes_no_role_that_can_do_more(self, people, keys):
        keys.put_role(SYSTEM, Role(name="Janitor", permissions=("installation/write",)))
        janitor = people.somebody("janitor", janitor="/")
        with pytest.raises(ForbiddenError, match="more than it has"):
            keys.put_role(janitor, Role(name="Janitor", permissions=("*",)))

    def test_nor_a_key_of_somebody_who_can(self, people, keys):
        keys.put_role(SYSTEM, Role(name="Janitor", permissions=("installation/write", "access/read")))
        janitor = people.somebody("janitor", janitor="/")
        people.somebody("boss", owner="/")
        with pytest.raises(ForbiddenError, match="more than it has"):
            keys.create_key(janitor, "boss", "mine")
        keys.create(SYSTEM, "newcomer", "user")
        assert keys.create_key(janitor, "newcomer", "first").secret


class TestBounds:
    @pytest.mark.parametrize("paths", [("",), ("dev",), ("/a/",), ("//",), ("/" + "x" * 2000,), ("/a",) * 101])
    def test_a_key_is_narrowed_to_paths_of_the_tree(self, people, keys, paths):
        people.somebody("alice", owner="/")
        with pytest.raises(InvalidError):
            keys.create_key(SYSTEM, "alice", "odd", paths=paths)

    def test_and_to_so_many_patterns(self, people, keys):
        people.somebody("alice", owner="/")
        for permissions in (("assets/read",) * 101, ("x" * 101,)):
            with pytest.raises(InvalidError):
                keys.create_key(SYSTEM, "alice", "odd", permissions=permissions)
            with pytest.raises(InvalidError):
                keys.put_role(SYSTEM, Role(name="Odd", permissions=permissions))

    @pytest.mark.parametrize("grace", [-1.0, float("nan"), float("inf"), 1e300])
    def test_a_grace_is_a_time(self, people, keys, grace):
        people.somebody("alice", owner="/")
        with pytest.raises(InvalidError):
            keys.rotate_key(SYSTEM, "alice", "test", grace_seconds=grace)


def test_a_right_taken_away_while_it_is_looked_up_is_not_remembered(people, monkeypatch):
    """The look-up reads before the change and remembers after it: then it must not remember."""
    access = people.house.access
    people.somebody("alice", owner="/")
    secret = people.house.principals.create_key(SYSTEM, "alice", "racing").secret
    original = people.house.catalog.read

    def slow(work):
        found = original(work)
        monkeypatch.undo()
        people.house.principals.unassign(SYSTEM, people.house.principals.assignments(SYSTEM, principal="alice")[0].id)
        return found

    monkeypatch.setattr(people.house.catalog, "read", slow)
    access.authenticate(secret)
    assert not access.authenticate(secret).allows(Permission.SCOPES_READ, "/")
