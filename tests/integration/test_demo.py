"""The demo, run as `make demo` runs it, in a copy of the project's examples: twice, and once with a step that is wrong."""

import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

PROJECT = Path(__file__).parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def copied(folder: Path) -> Path:
    shutil.copytree(PROJECT / "examples", folder / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def run(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(root / "examples" / "flights" / "run.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=600)


def processes_of(root: Path) -> list[str]:
    """Command lines that speak of the copy; what has been told to end gets a moment."""
    deadline = time.monotonic() + 5
    while True:
        lines = [" ".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])]
        found = [line for line in lines if str(root / ".demo") in line]
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = copied(tmp_path_factory.mktemp("demo"))
    yield folder
    run(folder, "--stop-server")


@pytest.fixture(scope="module")
def first(root):
    done = run(root)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def second(root, first):
    """Right after the first, whose server still runs."""
    assert processes_of(root)
    done = run(root, "--stop")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    return done.stdout


@pytest.fixture(params=["first", "second"])
def told(request):
    return request.getfixturevalue(request.param)


def commands(text: str) -> list[list[str]]:
    """The words after `regista`, of every line that begins with it."""
    lines = text.replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("regista ")]


def answer_to(told: str, command: str, number: int = -1) -> str:
    """What was shown below a command, up to the next one or the next chapter."""
    found = re.findall(rf"  \$ regista {command}[^\n]*\n(.*?)\n(?=\n|\S)", told, re.DOTALL)
    assert found, f"{command} was not run"
    return found[number]


class TestTheMainJob:
    def test_all_flights_went_through_prod_and_a_tenth_of_them_through_dev(self, told):
        assert "33,678 flights recorded, 32,729 arrived" in answer_to(told, "job create -f pipeline.yml")
        assert "336,776 flights recorded, 327,346 arrived" in answer_to(told, "job create -f pipeline-prod.yml")

    def test_the_pipeline_went_along_with_its_steps_their_code_and_the_environment(self, told):
        plan = answer_to(told, "component share .* --dry-run")
        for name in ("flight-delay-pipeline", "prepare-flights", "train-delay", "evaluate-delay", "flights-sklearn"):
            assert re.search(rf"create .* {name} ", plan)
        assert len(re.findall(r"create +code ", plan)) == 3
        assert "between stores" in plan

    def test_there_is_a_verdict_from_intervals_and_what_differs_is_data(self, told):
        compared = answer_to(told, "compare")
        assert re.search(r"evaluate/mae .*\[.*\] +(holds|better)", compared)
        assert re.search(r"Verdict: (holds|better)", compared)
        differs = set(re.findall(r"^    (data|code|environment|parameter|pipeline) +\S+ ", compared, re.MULTILINE))
        assert differs == {"data", "parameter"}

    def test_traffic_was_split_as_asked_and_then_went_to_green_alone(self, told):
        split = re.search(r"90/10 +blue answered (\d+), .*green answered (\d+),", told)
        assert split
        assert 170 <= int(split[1]) <= 190
        assert int(split[1]) + int(split[2]) == 200
        assert re.search(r"0/100 +green answered 200,", told)

    def test_what_served_before_is_told_by_the_time(self, told):
        then = answer_to(told, "why flights --at")
        assert "blue: 90 % of the requests" in then
        assert "green: 10 % of the requests" in then

    def test_ops_sees_nothing_of_dev(self, told):
        assert "there is no workspace 'dev'" in answer_to(told, "workspace show dev --profile ops")

    @pytest.mark.parametrize("number", [0, 1], ids=["while dev is there", "after dev was deleted"])
    def test_blue_is_traced_to_metrics_code_environment_and_data_of_dev(self, told, number):
        trace = answer_to(told, "trace deployment flights/blue", number)
        assert "job flights-on-sample " in trace
        assert re.search(r"metrics +mae=[\d.]+, rmse=[\d.]+", trace)
        assert re.search(r"parameters +.*iterations=40, learning_rate=0.2, training_flights=26215", trace)
        assert len(re.findall(r"code +sha256:[0-9a-f]{12}", trace)) >= 3
        assert len(re.findall(r"environment +lock sha256:[0-9a-f]{12}", trace)) == 3
        assert "input flights: data flights:1 in workspace dev (capsule)" in trace
        assert "(100%)" in trace
        assert not re.search(r"job .* in workspace dev(?! \(capsule\))", trace)

    def test_the_log_outlives_the_workspace(self, told):
        assert re.search(r"log +6,514 flights, off by", answer_to(told, "trace deployment flights/blue .* --log"))

    def test_green_is_traced_in_prod_itself(self, told):
        trace = answer_to(told, "trace deployment flights/green")
        assert "job flights-on-everything " in trace
        assert "(capsule)" not in trace.replace("flights-sklearn:1 in workspace dev (capsule)", "")

    def test_the_summary_says_how_to_go_on(self, first, second):
        assert "Stop it" in first
        assert "The server was stopped." in second


class TestTheTutorial:
    """Its commands are those of the demo, but for what depends on where the reader's own things are."""

    OWN = (["up"], ["store", "create"], ["profile", "add"], ["key", "create"], ["why", "flights"])

    def test_every_command_of_it_was_run_by_the_demo_in_the_same_order(self, root, second):
        blocks = re.findall(r"```sh\n(.*?)```", (PROJECT / "docs" / "tutorial.md").read_text(), re.DOTALL)
        typed = [
            words for words in commands("\n".join(blocks)) if not any(words[: len(own)] == own for own in self.OWN)
        ]
        ran = commands((root / ".demo" / "demo.log").read_text().replace("\n$ ", "\n"))
        assert len(typed) > 30
        assert [words for words in ran if words in typed] == typed


class TestWhatIsLeft:
    def test_nothing_runs_after_it_was_stopped(self, root, second):
        assert processes_of(root) == []

    def test_the_second_time_nothing_is_built_or_fetched_again(self, root, first, second):
        assert "[regista] Resolved" not in (root / ".demo" / "demo.log").read_text()

    def test_no_secret_stands_in_what_it_wrote(self, root, second):
        written = (root / ".demo" / "demo.log").read_text() + (root / ".demo" / "server.log").read_text() + second
        for key in (root / ".demo" / "ops.key", root / ".demo" / "home" / "keys" / "owner.key"):
            assert key.stat().st_mode & 0o077 == 0
            assert key.read_text().strip() not in written


def test_what_fails_is_named_and_nothing_is_left_running(tmp_path):
    root = copied(tmp_path)
    (root / ".demo").mkdir()
    if (PROJECT / ".demo" / "data").is_dir():
        shutil.copytree(PROJECT / ".demo" / "data", root / ".demo" / "data")
    train = root / "examples" / "flights" / "train.yml"
    train.write_text(train.read_text().replace("outputs.model", "outputs.mode"))
    done = run(root)
    assert done.returncode == 1
    assert "$ regista component create -f train.yml -w dev\n  failed with exit status 1" in done.stderr
    assert "outputs.mode, which is not declared" in done.stderr
    assert str(root / ".demo" / "demo.log") in done.stderr
    assert "Traceback" not in done.stderr
    assert processes_of(root) == []
