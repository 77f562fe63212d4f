"""``regista up`` that cannot go up says why, and the program as a program."""

import json
import os
import subprocess
import sys
from urllib.parse import urlsplit

import pytest


def regista(*words, **environment):
    """The program in a process of its own."""
    told = {key: value for key, value in os.environ.items() if not key.startswith("REGISTA_")} | environment
    command = [sys.executable, "-m", "regista", *words]
    return subprocess.run(
        command, env=told, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False
    )


class TestWrongWishes:
    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("--host", "192.0.2.1"), "--allow-remote"),
            (("--catalog", "gopher://nowhere"), "gopher"),
            (("--home", "/proc/regista"), "'/proc/regista': No such file or directory"),
        ],
    )
    def test_what_cannot_be_is_named(self, tmp_path, words, said):
        answer = regista("up", "--home", str(tmp_path / "home"), "--port", "0", *words)
        assert answer.returncode == 1, answer.stderr
        assert said in answer.stderr
        assert "Traceback" not in answer.stderr
        assert "fault of Regista" not in answer.stderr
        assert answer.stdout == ""

    def test_a_taken_port_and_a_taken_home_are_named(self, server, tmp_path):
        port = str(urlsplit(server.url).port)
        answer = regista("up", "--home", str(tmp_path / "home"), "--port", port)
        assert (answer.returncode, port in answer.stderr) == (1, True), answer.stderr
        answer = regista("up", "--home", str(server.home), "--port", "0")
        assert answer.returncode == 1
        assert "Traceback" not in answer.stderr
        assert json.loads((server.home / "run" / "server.json").read_text())["url"] == server.url

    def test_wrong_usage(self):
        assert regista("up", "--port", "high").returncode == 2
        assert regista("up", "--port", "99999").returncode == 2
        assert regista("up", "--workers", "-1").returncode == 2
        assert regista("upp").returncode == 2


class TestTheProgram:
    def test_the_answer_alone_is_on_standard_output(self, server):
        answer = regista("principal", "create", "someone", "-o", "json", **server.environment)
        assert json.loads(answer.stdout)["name"] == "someone"
        assert answer.stderr.startswith("Next:")

    def test_a_reader_that_has_enough_is_no_error(self, server):
        shell = f"{sys.executable} -m regista role list -o json | head -c 1; exit ${{PIPESTATUS[0]}}"
        answer = subprocess.run(
            ["bash", "-c", shell],
            env=os.environ | server.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (answer.stdout, answer.stderr) == ("[", "")
        assert answer.returncode in {0, 141}
