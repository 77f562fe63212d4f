"""The audit, the events and the collection of garbage by the command line."""

import subprocess
import sys
import threading

import pytest


@pytest.fixture
def as_reader(run, dev, server):
    """The environment of somebody who may read the workspace and nothing else."""
    name = f"reader-of-{dev}"
    run.json("principal", "create", name)
    run.json("role", "assign", "--principal", name, "--role", "Reader", "-w", dev)
    secret = run.json("key", "create", "k", "--principal", name)["secret"]
    return {"REGISTA_URL": server.url, "REGISTA_CA": str(server.ca), "REGISTA_KEY": secret}


class TestAudit:
    def test_it_says_who_did_and_read_what(self, run, dev, model, as_reader):
        run.json("model", "show", "churn", "--version", "1", "-w", dev, **as_reader)
        run("model", "delete", "churn", "--version", "1", "--yes", "-w", dev, **as_reader)
        found = run.json("audit", "list", "-w", dev, "--target", "models/churn")
        acts = [(one["principal"], one["action"], one["outcome"], one["read"]) for one in found]
        reader = f"reader-of-{dev}"
        assert (reader, "model.get", "done", True) in acts
        assert (reader, "model.delete", "forbidden", True) in acts
        assert acts[-1] == ("owner", "model.create", "done", False)

    def test_it_is_narrowed(self, run, dev, model):
        run.json("model", "show", "churn", "--version", "1", "-w", dev)
        actions = {one["action"] for one in run.json("audit", "list", "-w", dev, "--action", "model.*")}
        assert actions == {"model.create", "model.get"}
        assert run.json("audit", "list", "-w", dev, "--principal", "nobody") == []
        assert run.json("audit", "list", "-w", dev, "--until", "1h ago") == []
        assert run.json("audit", "list", "-w", dev, "--since", "1h", "--outcome", "done")
        shown = run("audit", "list", "-w", dev, "--action", "model.create")
        assert f"workspace {dev}: models/churn/versions/1" in shown.out

    def test_it_comes_in_pages(self, run, dev, model):
        run.json("model", "show", "churn", "--version", "1", "-w", dev)
        asked = ("audit", "list", "-w", dev, "--action", "model.*")
        whole = run.json(*asked)
        assert len(whole) == 2
        first = run(*asked, "--limit", "1", "-o", "json")
        assert first.json == whole[:1]
        cursor = first.err.split("--cursor ")[1].split()[0]
        assert run.json(*asked, "--limit", "1", "--cursor", cursor) == whole[1:]

    def test_it_is_not_for_everybody(self, run, dev, as_reader):
        said = run.refused("audit", "list", "-w", dev, **as_reader)
        assert "audit/records" in said
        assert "Owner" in said
        run.refused("audit", "settings", "--reads", "off", **as_reader)

    def test_wrong_wishes(self, run, dev):
        assert "forbidden" in run.misused("audit", "list", "-w", dev, "--outcome", "bogus")
        assert "--workspace-name" in run.misused("audit", "list", "--target", "models/churn")
        assert "is not a time" in run.misused("audit", "list", "--since", "yesterday-ish")
        run.refused("audit", "list", "--cursor", "rubbish")
        run.refused("audit", "list", "--scope", "dev")

    def test_what_is_written_down_can_be_chosen(self, run):
        before = run.json("audit", "settings")
        assert before == {"reads": "all", "retention_days": 90}
        assert run.json("audit", "settings", "--retention-days", "30") == before | {"retention_days": 30}
        assert run.json("audit", "settings", "--reads", "sensitive")["retention_days"] == 30
        assert run.json("audit", "settings", "--reads", "all", "--retention-days", "90") == before
        changes = run.json("audit", "list", "--action", "audit.configure")
        assert [one["details"]["reads"] for one in changes] == ["all", "sensitive", "all"]


class TestEvents:
    def test_they_are_told_to_who_may_read_the_thing(self, run, dev, model, as_reader):
        told = [(one["type"], one["path"].rsplit("/", 1)[-1]) for one in run.json("event", "list", **as_reader)]
        assert ("workspace.create", dev) in told
        assert ("model.create", "1") in told
        assert not any(kind.startswith(("key.", "principal.")) for kind, _ in told)

    def test_they_go_on_after_a_number_and_by_type(self, run, dev, model):
        told = run.json("event", "list", "--type", "model.*")
        assert told[-1]["type"] == "model.create"
        assert (
            run.json("event", "list", "--after", str(told[-1]["sequence"] - 1), "--type", "model.create") == told[-1:]
        )
        assert run.json("event", "list", "--after", str(2**40)) == []

    def test_they_are_followed(self, run, server, dev, folder):
        after = str(run.json("event", "list")[-1]["sequence"])
        command = [
            sys.executable,
            "-m",
            "regista",
            "event",
            "list",
            "-f",
            "--after",
            after,
            "--type",
            "model.*",
            "-o",
            "json",
        ]
        environment = {"PATH": "/usr/bin:/bin"} | server.environment
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True
        ) as following:
            watchdog = threading.Timer(60, following.kill)
            watchdog.start()
            try:
                run.json("model", "create", "--name", "followed", "--path", str(folder), "-w", dev)
                line = following.stdout.readline()
            finally:
                watchdog.cancel()
                following.kill()
        assert '"type":"model.create"' in line
        assert f"/workspaces/{dev}/models/followed/versions/1" in line


class TestGarbage:
    def test_a_dry_run_and_a_run_say_what_goes_and_what_waits(self, run, dev, model):
        tried = run("gc", "--dry-run", "-o", "json")
        assert tried.json[0]["live"] >= 3
        assert "It would free 0 B." in tried.err
        done = run("gc", "--grace", "1h")
        assert "default" in done.out
        assert "Freed 0 B." in done.err
        assert run.json("audit", "list", "--action", "installation.collect")

    def test_it_is_for_owners_and_not_for_the_hasty(self, run, as_reader):
        assert "owners" in run.refused("gc", **as_reader)
        assert "An hour at least" in run.refused("gc", "--grace", "10m")
        run.misused("gc", "--grace", "soon")


@pytest.mark.slow
def test_what_was_read_just_before_the_end_is_written_down(tmp_path):
    from tests.support.server import running_server

    with running_server(tmp_path / "home") as running:
        running.client().workspaces.create(name="dev")
        running.client().workspaces.get("dev")
    with running_server(tmp_path / "home") as running:
        found = [one.action for one in running.client().audit.list(action="workspace.*")]
    assert found == ["workspace.get", "workspace.create"]
