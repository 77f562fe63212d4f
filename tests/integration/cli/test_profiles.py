"""Profiles, and other programs and shells meeting the server."""

import shlex
import stat
import subprocess
import sys

import pytest


@pytest.fixture
def added(run, server):
    """A profile ``prod`` for the server."""
    return run.json(
        "profile",
        "add",
        "prod",
        "--url",
        server.url,
        "--key-file",
        str(server.home / "keys/owner.key"),
        "--ca",
        str(server.ca),
    )


@pytest.fixture
def nowhere(tmp_path):
    """An environment in which nothing but profiles says where a server is."""
    return {"REGISTA_HOME": str(tmp_path / "empty")}


class TestProfiles:
    def test_the_first_one_is_the_default_and_is_used(self, run, server, added, nowhere):
        assert added["default"] is True
        assert run.json("whoami", **nowhere)["server"] == server.url

    def test_it_is_said_which_one_is_used_from_now_on(self, run, nowhere):
        words = ("--url", "https://127.0.0.1:9", "--key-file", "k", "--no-check")
        assert "one is used from now on" in run("profile", "add", "one", *words).err
        second = run("profile", "add", "two", *words)
        assert "one stays what is used" in second.err
        assert "regista profile use two" in second.err
        third = run("profile", "add", "three", *words, "--default")
        assert "three is used from now on" in third.err
        assert [one["default"] for one in run.json("profile", "list")] == [False, False, True]
        assert "two is used" in run("profile", "use", "two").err
        assert "one, three" in run("profile", "remove", "two").err

    def test_the_server_on_this_machine_needs_no_more_words(self, run, server, nowhere):
        home = {"REGISTA_HOME": str(server.home)}
        made = run.json("profile", "add", "here", "--local", "-w", "dev", **home)
        assert (made["url"], made["ca"], made["workspace"]) == (server.url, str(server.ca), "dev")
        assert run.json("whoami", **nowhere)["principal"] == "owner"
        assert "--local" in run.misused("profile", "add", "x", "--local", "--url", server.url, **home)
        assert "--local" in run.misused("profile", "add", "x")
        assert "regista up" in run.refused("profile", "add", "x", "--local", **nowhere)

    def test_a_key_from_standard_input_is_kept_where_only_its_owner_reads(self, run, server, nowhere, tmp_path):
        words = ("profile", "add", "prod", "--url", server.url, "--key-stdin", "--ca", str(server.ca), "-w", "dev")
        answer = run(*words, "-o", "json", stdin=server.owner_key + "\n")
        assert answer.status == 0, answer.err
        kept = tmp_path / ".profiles" / "prod.key"
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        assert server.owner_key not in answer.out + answer.err + (tmp_path / ".profiles" / "profiles.toml").read_text()
        assert run.json("whoami", **nowhere)["workspace"] == "dev"

    def test_another_one_is_used_by_name_or_by_choice(self, run, server, added, nowhere):
        far = ("profile", "add", "far", "--url", "https://127.0.0.1:9", "--key-file", "k", "--no-check")
        run.json(*far)
        assert [one["default"] for one in run.json("profile", "list")] == [True, False]
        run.json("profile", "use", "far")
        run.refused("whoami", **nowhere)
        assert run.json("whoami", "--profile", "prod", **nowhere)["principal"] == "owner"
        assert run.json("profile", "remove", "far") == {"removed": "far"}
        assert run.json("profile", "show", "prod")["url"] == server.url

    def test_nothing_is_noted_that_the_server_does_not_know(self, run, server, tmp_path):
        (tmp_path / "wrong.key").write_text("rga_wrong\n")
        words = ("profile", "add", "prod", "--url", server.url)
        run.refused(*words, "--key-file", "wrong.key", "--ca", str(server.ca))
        assert "authority" in run.refused(*words, "--key-file", str(server.home / "keys/owner.key"))
        assert "cannot be read" in run.refused(*words, "--key-file", "lacking.key", "--ca", str(server.ca))
        assert run.json("profile", "list") == []

    def test_wrong_wishes(self, run, server, added):
        words = ("profile", "add", "prod", "--url", server.url)
        assert "--overwrite" in run.refused(*words, "--key-file", "k", "--no-check")
        assert "--key-stdin" in run.misused(*words)
        assert "'default'" in run.refused("profile", "add", "default", "--url", server.url, "--key-file", "k")
        for verb in ("show", "use", "remove"):
            assert "prod" in run.refused("profile", verb, "lacking")
        assert "lacking" in run.refused("whoami", "--profile", "lacking")

    def test_a_file_that_is_no_file_of_profiles_is_named(self, run, tmp_path):
        (tmp_path / ".profiles").mkdir()
        (tmp_path / ".profiles" / "profiles.toml").write_text("what is this\n")
        assert "profiles.toml" in run.refused("profile", "list")


class TestConnecting:
    def test_a_shell_takes_the_variables_as_they_are_printed(self, run, server, dev, central):
        printed = run("connect", "mlflow", "-w", dev, "-r", central)
        assert printed.status == 0
        show = "import os; print(*(os.environ[f'MLFLOW_{n}'] for n in ('TRACKING_URI', 'REGISTRY_URI', 'TRACKING_TOKEN', 'TRACKING_SERVER_CERT_PATH')))"
        script = f"{printed.out}\n{shlex.join([sys.executable, '-c', show])}"
        seen = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout.split()
        mlflow = f"{server.url}/mlflow"
        assert seen == [
            f"{mlflow}/workspaces/{dev}",
            f"{mlflow}/registries/{central}",
            server.owner_key,
            str(server.ca),
        ]

    def test_other_shells_have_other_words(self, run, dev):
        assert run("connect", "mlflow", "-w", dev, "--shell", "fish").out.startswith("set -gx MLFLOW_TRACKING_URI '")
        assert run("connect", "mlflow", "-w", dev, "--shell", "powershell").out.startswith(
            "$env:MLFLOW_TRACKING_URI = '"
        )
        assert set(run.json("connect", "mlflow", "-w", dev)) >= {"MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_TOKEN"}

    def test_wrong_wishes(self, run):
        assert "--workspace-name" in run.misused("connect", "mlflow")
        assert "tcsh" in run.misused("connect", "mlflow", "-w", "dev", "--shell", "tcsh")

    def test_without_a_server_the_next_step_is_said(self, run, nowhere):
        assert "regista up" in run.refused("whoami", **nowhere)


class TestCompletion:
    @pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
    def test_every_shell_gets_lines_that_call_the_program(self, run, shell):
        assert "_REGISTA_COMPLETE" in run("completion", shell).out

    def test_another_shell_is_wrong_usage(self, run):
        assert "tcsh" in run.misused("completion", "tcsh")
