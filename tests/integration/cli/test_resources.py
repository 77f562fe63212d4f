"""Computes, datastores and connections by the command line."""

import pytest

FILES = {
    "compute": "name: mine\ntype: amlcompute\nsize: large\nmin_instances: 1\nmax_instances: 4\n"
    "idle_time_before_scale_down: 120\ntier: low_priority\nssh_settings: {admin_username: ann, admin_password: hidden}\n",
    "datastore": "name: mine\ntype: azure_blob\naccount_name: a\ncontainer_name: c\ncredentials: {account_key: hidden}\n",
    "connection": "name: mine\ntype: git\ntarget: https://x\ncredentials: {type: pat, pat: hidden}\nmetadata: {a: b}\n",
}


@pytest.mark.parametrize("noun", list(FILES))
class TestEach:
    def test_one_lives_from_create_to_delete(self, run, dev, noun, tmp_path):
        (tmp_path / "mine.yml").write_text(FILES[noun])
        made = run.json(noun, "create", "-f", "mine.yml", "-w", dev)
        assert made["name"] == "mine"
        assert "hidden" not in str(made)
        assert "already" in run.refused(noun, "create", "-f", "mine.yml", "-w", dev)
        changed = run.json(noun, "update", "-f", "mine.yml", "--set", "description=two", "-w", dev)
        assert changed["description"] == "two"
        assert run.json(noun, "show", "mine", "-w", dev) == changed
        listed = run.json(noun, "list", "-w", dev)
        assert "mine" in {one["name"] for one in listed}
        assert "hidden" not in str(listed)
        run.json(noun, "delete", "mine", "-w", dev, "--yes")
        assert "no " + noun in run.refused(noun, "show", "mine", "-w", dev)
        run.json(noun, "delete", "mine", "-w", dev, "--yes")

    def test_wrong_wishes(self, run, dev, noun, tmp_path):
        run.misused(noun, "create", "-w", dev)
        (tmp_path / "bad.yml").write_text(f"{FILES[noun]}colour: blue\n")
        assert "colour" in run.refused(noun, "create", "-f", "bad.yml", "-w", dev)
        assert "type" in run.refused(noun, "create", "mine", "-w", dev)
        assert "--yes" in run.misused(noun, "delete", "mine", "-w", dev)
        assert "only workspaces" in run.misused(noun, "list", "-r", "central")


def test_secrets_are_shown_to_who_asks(run, dev, tmp_path):
    for noun, field in (("datastore", "account_key"), ("connection", "pat")):
        (tmp_path / "mine.yml").write_text(FILES[noun])
        run.json(noun, "create", "-f", "mine.yml", "-w", dev)
        assert run.json(noun, "show", "mine", "-w", dev, "--include-secrets")["credentials"] == {field: "hidden"}
    (tmp_path / "bad.yml").write_text("name: bad\ntype: git\ncredentials: hidden\n")
    assert "hidden" not in run.refused("connection", "create", "-f", "bad.yml", "-w", dev)


def test_a_compute_says_what_was_meant_by_its_name(run, dev, tmp_path):
    (tmp_path / "mine.yml").write_text(FILES["compute"])
    made = run.json("compute", "create", "-f", "mine.yml", "-w", dev)
    assert (made["size"], made["tier"], made["max_instances"], made["idle_time"]) == ("large", "low_priority", 4, 120)
    assert made["spec"] == {"ssh_settings": {"admin_username": "ann"}}
    assert "neither started nor stopped" in run.refused("compute", "stop", "mine", "-w", dev)
    instance = ("compute", "create", "ci", "--type", "computeinstance", "--tags", "a=b", "-w", dev)
    assert run.json(*instance)["tags"] == {"a": "b"}
    assert run.json("compute", "stop", "ci", "-w", dev)["state"] == "Stopped"
    assert run.json("compute", "restart", "ci", "-w", dev)["state"] == "Running"


def test_the_default_datastore_can_be_another_one(run, dev, tmp_path):
    (tmp_path / "mine.yml").write_text(FILES["datastore"])
    run.json("datastore", "create", "-f", "mine.yml", "-w", dev)
    assert run.json("datastore", "set-default", "mine", "-w", dev)["is_default"]
    defaults = [one["name"] for one in run.json("datastore", "list", "-w", dev) if one["is_default"]]
    assert defaults == ["mine"]
    assert "built in" in run.refused("datastore", "delete", "workspaceblobstore", "-w", dev, "--yes")
