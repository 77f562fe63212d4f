"""Principals, keys, roles and stores by the command line."""

from itertools import count

import pytest

_numbers = count()


@pytest.fixture
def alice(run):
    """The name of a principal without any right."""
    return run.json("principal", "create", f"alice-{next(_numbers)}")["name"]


@pytest.fixture
def as_alice(run, alice, server, tmp_path):
    """Run something with a fresh key of hers."""
    secret = run.json("key", "create", "laptop", "--principal", alice)["secret"]
    return {"REGISTA_URL": server.url, "REGISTA_CA": str(server.ca), "REGISTA_KEY": secret}


class TestPrincipals:
    def test_one_that_is_disabled_comes_in_nowhere_until_it_is_enabled(self, run, alice, as_alice):
        assert run.json("whoami", **as_alice)["principal"] == alice
        assert run.json("principal", "disable", alice)["disabled"] is True
        run.refused("whoami", **as_alice)
        run.json("principal", "enable", alice)
        assert run.json("whoami", **as_alice)["roles"] == []

    def test_a_new_one_is_listed_and_the_next_steps_are_said(self, run, server):
        answer = run("principal", "create", "robot", "--kind", "service")
        assert "regista key create laptop --principal robot" in answer.err
        assert {"robot": "service"}.items() <= {
            one["name"]: one["kind"] for one in run.json("principal", "list")
        }.items()

    def test_wrong_wishes(self, run, alice, as_alice):
        assert alice in run.refused("principal", "create", alice)
        assert "'a b'" in run.refused("principal", "create", "a b")
        assert "nobody" in run.refused("principal", "disable", "nobody")
        assert "nobody" in run.refused("principal", "enable", "nobody")
        assert "robot" in run.misused("principal", "create", "x", "--kind", "robot")
        assert "Owner" in run.refused("principal", "create", "bob", **as_alice)


class TestKeys:
    def test_a_secret_is_shown_once(self, run, alice):
        made = run("key", "create", "laptop", "--principal", alice, "--expires-in", "30d", "-o", "json")
        assert "not shown again" in made.err
        secret = made.json["secret"]
        listed = run("key", "list", "--principal", alice, "-o", "json")
        assert secret not in listed.out
        assert "secret" not in listed.out
        assert listed.json[0]["expires_at"] - listed.json[0]["created_at"] == 30 * 86400 * 1000

    def test_a_key_ends_when_it_is_revoked_or_rotated(self, run, alice, as_alice):
        fresh = run.json("key", "rotate", "laptop", "--principal", alice)["secret"]
        run.refused("whoami", **as_alice)
        assert run.json("whoami", **as_alice | {"REGISTA_KEY": fresh})["principal"] == alice
        run.json("key", "revoke", "laptop", "--principal", alice, "--yes")

    def test_a_list_holds_those_that_open_and_counts_the_others(self, run, alice):
        run.json("key", "create", "ended", "--principal", alice)
        run.json("key", "create", "living", "--principal", alice)
        run.json("key", "revoke", "ended", "--principal", alice, "--yes")
        listed = run("key", "list", "--principal", alice, "-o", "json")
        names = {one["name"] for one in listed.json}
        assert "living" in names
        assert "ended" not in names
        assert "--all" in listed.err
        assert "ended" in {one["name"] for one in run.json("key", "list", "--principal", alice, "--all")}

    def test_a_key_is_narrowed_to_places_by_their_names(self, run, dev, central, server):
        made = run.json("key", "create", "narrow", "-w", dev, "-r", central, "--permission", "scopes/read")
        assert [path.rsplit("/", 1)[-1] for path in made["paths"]] == [dev, central]
        narrow = {"REGISTA_URL": server.url, "REGISTA_CA": str(server.ca), "REGISTA_KEY": made["secret"]}
        assert [one["name"] for one in run.json("workspace", "list", **narrow)] == [dev]

    def test_one_makes_keys_for_oneself(self, run, as_alice):
        run.json("key", "create", "second", **as_alice)
        assert {one["name"] for one in run.json("key", "list", **as_alice)} == {"laptop", "second"}

    def test_wrong_wishes(self, run, alice, as_alice):
        assert "30d" in run.misused("key", "create", "k", "--principal", alice, "--expires-in", "soon")
        run.refused("key", "create", "k", "--principal", alice, "--expires-in", "9999999d")
        assert "--yes" in run.misused("key", "revoke", "laptop", "--principal", alice)
        assert "lacking" in run.refused("key", "revoke", "lacking", "--principal", alice, "--yes")
        assert "lacking" in run.refused("key", "rotate", "lacking", "--principal", alice)
        run.refused("key", "list", "--principal", "owner", **as_alice)


class TestRoles:
    def test_a_role_opens_a_scope_until_it_is_taken_away(self, run, alice, as_alice, dev):
        run.refused("model", "list", "-w", dev, **as_alice)
        given = run.json("role", "assign", "--principal", alice, "--role", "Reader", "-w", dev)
        assert (given["principal"], given["path"].rsplit("/", 1)[-1]) == (alice, dev)
        assert run.json("model", "list", "-w", dev, **as_alice) == []
        assert [one["role"] for one in run.json("role", "assignments", "--principal", alice)] == ["Reader"]
        run.json("role", "unassign", "--principal", alice, "--role", "Reader", "-w", dev)
        run.refused("model", "list", "-w", dev, **as_alice)

    def test_an_assignment_is_taken_away_by_its_id_too(self, run, alice, central):
        given = run.json("role", "assign", "--principal", alice, "--role", "Registry User", "-r", central)
        run.json("role", "unassign", "--id", given["id"])
        assert run.json("role", "assignments", "--principal", alice) == []

    def test_a_role_of_ones_own(self, run, alice):
        run.json("role", "create", "Auditor", "--permission", "*/read", "--permission", "jobs/logs")
        assert {"Reader", "Auditor"} <= {one["name"] for one in run.json("role", "list")}
        assert run.json("role", "assign", "--principal", alice, "--role", "Auditor", "--scope", "/")["path"] == "/"

    def test_a_role_opens_one_model_and_nothing_beside_it(self, run, alice, as_alice, dev, model, folder):
        run.json("model", "create", "--name", "other", "--path", str(folder), "-w", dev)
        place = ("--principal", alice, "--role", "Reader", "-w", dev, "--target", "models/churn")
        assert run.json("role", "assign", *place)["path"].endswith(f"/workspaces/{dev}/models/churn")
        assert [one["name"] for one in run.json("model", "list", "-w", dev, **as_alice)] == ["churn"]
        run.refused("model", "show", "other", "--version", "1", "-w", dev, **as_alice)
        run.json("role", "unassign", *place)
        run.refused("model", "list", "-w", dev, **as_alice)

    def test_a_role_is_deleted_when_nobody_has_it(self, run, alice):
        run.json("role", "create", "Brief", "--permission", "assets/read")
        given = run.json("role", "assign", "--principal", alice, "--role", "Brief", "--scope", "/")
        said = run.refused("role", "delete", "Brief")
        assert alice in said
        assert f"--id {given['id']}" in said
        run.json("role", "unassign", "--id", given["id"])
        run.json("role", "delete", "Brief")
        run.json("role", "delete", "Brief")
        assert "Brief" not in {one["name"] for one in run.json("role", "list")}
        assert "built-in" in run.refused("role", "delete", "Owner")

    def test_what_would_mean_nothing_is_refused(self, run, alice, dev):
        said = run.refused("role", "create", "Typo", "--permission", "asset/read")
        assert "did you mean assets/read" in said
        assert "jobs/logs" in said
        assert "did you mean 'Reader'" in run.refused(
            "role", "assign", "--principal", alice, "--role", "reader", "-w", dev
        )
        said = run.refused(
            "role", "assign", "--principal", alice, "--role", "Reader", "-w", dev, "--target", "model/churn"
        )
        assert "models" in said
        run.refused("role", "assign", "--principal", alice, "--role", "Reader", "--scope", "/workspaces/dev")
        run.refused("key", "create", "k", "--principal", alice, "--permission", "asset/read")
        assert "--workspace-name" in run.misused(
            "role", "assign", "--principal", alice, "--role", "Reader", "--target", "x/y"
        )

    def test_wrong_wishes(self, run, alice, dev, as_alice):
        assert "Reader" in run.refused("role", "assign", "--principal", alice, "--role", "Raeder", "-w", dev)
        assert "nowhere" in run.refused("role", "assign", "--principal", alice, "--role", "Reader", "-w", "nowhere")
        run.refused("role", "assign", "--principal", alice, "--role", "Reader", "--scope", "dev")
        run.misused("role", "assign", "--principal", alice, "--role", "Reader")
        run.misused("role", "assign", "--principal", alice, "--role", "Reader", "-w", dev, "--scope", "/")
        run.misused("role", "unassign", "--principal", alice)
        assert "assignments" in run.refused("role", "unassign", "--principal", alice, "--role", "Reader", "-w", dev)
        assert "nobody" in run.refused("role", "assignments", "--principal", "nobody")
        assert "built-in" in run.refused("role", "create", "Owner", "--permission", "*")
        assert "--permission" in run.misused("role", "create", "Nothing")
        run.refused("role", "create", "Mine", "--permission", "*", **as_alice)


class TestStores:
    def test_a_region_gets_a_store_of_its_own(self, run, tmp_path):
        region = f"north-{next(_numbers)}"
        made = run.json("store", "create", region, "--path", "far", "--region", region)
        assert (made["url"], made["regions"]) == ((tmp_path / "far").as_uri(), [region])
        assert {"default", region} <= {one["name"] for one in run.json("store", "list")}

    def test_wrong_wishes(self, run, as_alice):
        assert "--path" in run.misused("store", "create", "eu", "--region", "eu")
        assert "--region" in run.misused("store", "create", "eu", "--path", "eu")
        run.refused("store", "create", "EU!", "--path", "eu", "--region", "eu")
        run.refused("store", "create", "eu", "--url", "gopher://eu", "--region", "eu")
        run.refused("store", "list", **as_alice)
