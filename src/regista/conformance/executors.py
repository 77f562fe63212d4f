"""What every executor promises. A driver subclasses ``ExecutorContract`` and provides its fixtures.

Jobs are shell scripts, so that they run wherever a POSIX shell is; they write only inside their attempt's folder.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from regista.errors import ConflictError, InvalidError, RegistaError
from regista.interfaces.executors import Attempt, AttemptState, AttemptStatus, Executor, Handle

PATIENCE = 15.0


def until(told: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """The first true answer of *told*; fail when there is none in time."""
    deadline = time.monotonic() + patience
    while True:
        answer = told()
        if answer:
            return answer
        assert time.monotonic() < deadline, "nothing happened in time"
        time.sleep(0.01)


class ExecutorContract:
    """Starting, following, ending and finding again. ``source`` is Python that assigns an equal ``executor``."""

    source: ClassVar[str]

    @pytest.fixture
    def executor(self) -> Executor:
        """The driver under test."""
        raise NotImplementedError

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """A folder that belongs to one attempt."""
        folder = tmp_path / "attempt"
        folder.mkdir()
        return folder

    def attempt(self, folder: Path, script: str, **changes: Any) -> Attempt:
        """A shell script to be run in *folder*."""
        usual: dict[str, Any] = {
            "argv": ("/bin/sh", "-c", script),
            "cwd": folder / "work",
            "log": folder / "logs/std.txt",
        }
        return Attempt(directory=folder, **{"id": "run-1"} | usual | changes)

    def end(self, executor: Executor, handle: Handle, patience: float = PATIENCE) -> AttemptStatus:
        """The status after the attempt has ended."""
        until(lambda: executor.status(handle).state is not AttemptState.RUNNING, patience)
        return executor.status(handle)

    def run(self, executor: Executor, folder: Path, script: str, **changes: Any) -> tuple[AttemptStatus, str]:
        """Run *script* to its end; its status and its log."""
        handle = executor.submit(self.attempt(folder, script, **changes))
        status = self.end(executor, handle)
        return status, executor.read_log(handle).decode(errors="replace")

    def begun(self, executor: Executor, handle: Handle, word: str = "ready") -> None:
        """Return when the script has printed *word*."""
        until(lambda: word.encode() in executor.read_log(handle))

    @pytest.mark.parametrize("code", [0, 1, 42, 255])
    def test_the_exit_code_is_the_processs_own(self, executor: Executor, folder: Path, code: int) -> None:
        before = time.time()
        status, _ = self.run(executor, folder, f"exit {code}")
        assert (status.state, status.exit_code, status.reason) == (AttemptState.EXITED, code, "")
        assert status.started_at is not None
        assert status.ended_at is not None
        assert before - 1 <= status.started_at <= status.ended_at <= time.time() + 1
        assert status.usage["cpu_seconds"] >= 0
        assert status.usage["max_rss_bytes"] > 0

    def test_what_all_its_processes_used_is_known(self, executor: Executor, folder: Path) -> None:
        """Also what ran below the command, and beside it. Memory is that of the largest."""
        large = "x=$(head -c 60000000 /dev/zero | tr '\\0' x)"
        busy = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done"
        script = f'/bin/sh -c "{large.replace("$", chr(92) + "$")}"; ({busy}) & wait; exit 3'
        status, said = self.run(executor, folder, script)
        assert status.exit_code == 3, said
        assert status.usage["cpu_seconds"] > 0.1
        assert status.usage["max_rss_bytes"] > 60_000_000

    def test_a_signal_is_128_and_its_number(self, executor: Executor, folder: Path) -> None:
        status, _ = self.run(executor, folder, "kill -SEGV $$")
        assert (status.exit_code, status.reason) == (128 + signal.SIGSEGV, "")

    def test_a_missing_program_failed_to_start(self, executor: Executor, folder: Path) -> None:
        handle = executor.submit(self.attempt(folder, "", argv=("no-such-program", "x")))
        status = self.end(executor, handle)
        assert (status.state, status.exit_code, status.reason) == (AttemptState.EXITED, 127, "failed_to_start")
        assert "no-such-program" in status.message

    def test_an_exit_code_of_127_is_no_failure_to_start(self, executor: Executor, folder: Path) -> None:
        status, _ = self.run(executor, folder, "exit 127")
        assert (status.exit_code, status.reason) == (127, "")

    def test_the_log_can_be_read_while_the_job_runs(self, executor: Executor, folder: Path) -> None:
        handle = executor.submit(self.attempt(folder, "echo ready; echo trouble >&2; cat go 2>/dev/null; sleep 60"))
        self.begun(executor, handle, "trouble")
        assert executor.status(handle).state is AttemptState.RUNNING
        executor.stop(handle, grace=5)
        self.end(executor, handle)
        assert executor.read_log(handle).startswith(b"ready\ntrouble\n")

    def test_the_log_is_read_from_an_offset(self, executor: Executor, folder: Path) -> None:
        handle = executor.submit(self.attempt(folder, "printf 0123456789"))
        self.end(executor, handle)
        assert executor.read_log(handle, 3, 4) == b"3456"
        assert executor.read_log(handle, 8, 100) == b"89"
        assert executor.read_log(handle, 10) == b""
        assert executor.read_log(handle, 10**12) == b""
        with pytest.raises(InvalidError):
            executor.read_log(handle, -1)

    def test_a_huge_output_is_kept_whole(self, executor: Executor, folder: Path) -> None:
        size = 20_000_000
        handle = executor.submit(self.attempt(folder, f"head -c {size} /dev/zero; echo end"))
        assert self.end(executor, handle).exit_code == 0
        assert executor.read_log(handle, size, 100) == b"end\n"
        assert len(executor.read_log(handle)) == 1 << 20

    def test_output_is_taken_byte_for_byte(self, executor: Executor, folder: Path) -> None:
        handle = executor.submit(self.attempt(folder, r"printf '\377\000\r\n'"))
        self.end(executor, handle)
        assert executor.read_log(handle) == b"\xff\x00\r\n"

    def test_submitting_again_finds_the_first(self, executor: Executor, folder: Path) -> None:
        attempt = self.attempt(folder, "echo started >> count; echo ready; sleep 60")
        handle = executor.submit(attempt)
        self.begun(executor, handle)
        assert executor.submit(attempt) == handle
        executor.stop(handle, grace=0)
        ended = self.end(executor, handle)
        assert executor.submit(attempt) == handle
        assert executor.status(handle) == ended
        assert (folder / "work/count").read_text() == "started\n"

    def test_a_folder_holds_one_attempt(self, executor: Executor, folder: Path) -> None:
        self.run(executor, folder, "true")
        with pytest.raises(ConflictError):
            executor.submit(self.attempt(folder, "true", id="run-2"))

    def test_stopping_lets_the_job_clean_up(self, executor: Executor, folder: Path) -> None:
        script = "trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.05; done"
        handle = executor.submit(self.attempt(folder, script))
        self.begun(executor, handle)
        executor.stop(handle, grace=30)
        executor.stop(handle, grace=30)
        status = self.end(executor, handle)
        assert (status.exit_code, status.reason) == (3, "stopped")
        assert executor.read_log(handle).count(b"bye") == 1

    def test_a_job_that_does_not_listen_is_killed_after_the_grace(self, executor: Executor, folder: Path) -> None:
        handle = executor.submit(self.attempt(folder, "trap '' TERM; echo ready; while :; do sleep 0.1; done"))
        self.begun(executor, handle)
        begun = time.monotonic()
        executor.stop(handle, grace=0.5)
        status = self.end(executor, handle)
        assert (status.exit_code, status.reason) == (128 + signal.SIGKILL, "stopped")
        assert 0.4 < time.monotonic() - begun < 5

    def test_a_second_stop_can_hasten_the_end(self, executor: Executor, folder: Path) -> None:
        handle = executor.submit(self.attempt(folder, "trap '' TERM; echo ready; while :; do sleep 0.1; done"))
        self.begun(executor, handle)
        executor.stop(handle, grace=300)
        executor.stop(handle, grace=0)
        assert self.end(executor, handle).exit_code == 128 + signal.SIGKILL

    def test_stopping_at_once_after_submitting_ends_the_job(self, executor: Executor, folder: Path) -> None:
        handle = executor.submit(self.attempt(folder, "sleep 60"))
        executor.stop(handle, grace=5)
        status = self.end(executor, handle)
        assert status.reason == "stopped"
        assert status.exit_code in {128 + signal.SIGTERM, 128 + signal.SIGKILL}

    def test_stopping_what_has_ended_changes_nothing(self, executor: Executor, folder: Path) -> None:
        handle = executor.submit(self.attempt(folder, "exit 5"))
        ended = self.end(executor, handle)
        executor.stop(handle)
        assert executor.status(handle) == ended

    def test_a_timeout_ends_the_whole_group(self, executor: Executor, folder: Path) -> None:
        status, log = self.run(executor, folder, "sleep 61 & sleep 62", timeout=0.4)
        assert (status.exit_code, status.reason) == (128 + signal.SIGTERM, "timeout"), log

    def test_what_daemonises_does_not_outlive_the_attempt(self, executor: Executor, folder: Path) -> None:
        script = "(setsid sh -c 'while :; do echo alive >> beat; sleep 0.02; done' &) ; while [ ! -s beat ]; do sleep 0.01; done"
        status, _ = self.run(executor, folder, script)
        assert status.exit_code == 0
        beats = (folder / "work/beat").stat().st_size
        time.sleep(0.2)
        assert (folder / "work/beat").stat().st_size == beats

    def test_the_environment_is_the_attempts_own(
        self, executor: Executor, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("REGISTA_SECRET_KEY", "of-the-server")
        value = "quotes ' \" $HOME\nand a line, ümlaut"
        _, log = self.run(executor, folder, 'env; echo; printf %s "$MINE" > mine', env={"MINE": value, "LANG": "C"})
        names = {line.partition("=")[0] for line in log.splitlines() if "=" in line}
        assert "of-the-server" not in log
        assert (
            {"MINE", "PATH", "HOME", "TMPDIR"}
            <= names
            <= {"MINE", "PATH", "LANG", "HOME", "TMPDIR", "PWD", "SHLVL", "_"}
        )
        assert "LANG=C\n" in log
        assert (folder / "work/mine").read_text() == value

    def test_nothing_of_the_environment_is_in_the_process_list(self, executor: Executor, folder: Path) -> None:
        handle = executor.submit(self.attempt(folder, "echo ready; sleep 60", env={"TOKEN": "hidden-3f9a"}))
        self.begun(executor, handle)
        shown = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, check=True).stdout
        executor.stop(handle, grace=0)
        self.end(executor, handle)
        assert b"hidden-3f9a" not in shown

    def test_home_and_temporary_folder_can_be_written_to(self, executor: Executor, folder: Path) -> None:
        status, log = self.run(
            executor, folder, 'echo x > "$HOME/a" && echo y > "$TMPDIR/b" && echo z > c && cat "$TMPDIR/b"'
        )
        assert (status.exit_code, log) == (0, "y\n")

    def test_signals_are_not_ignored_on_the_servers_behalf(self, executor: Executor, folder: Path) -> None:
        """Looked at without a shell: some shells tidy up what they inherit."""
        argv = ("grep", "-E", "Sig(Ign|Blk)", "/proc/self/status")
        status, log = self.run(executor, folder, "", argv=argv)
        ours = sum(1 << (number - 1) for number in signal.valid_signals())  # the C library keeps two for itself
        assert [int(line.split()[1], 16) & ours for line in log.splitlines()] == [0, 0], status

    def test_the_job_reads_nothing_from_a_terminal(self, executor: Executor, folder: Path) -> None:
        status, log = self.run(executor, folder, "cat; echo done")
        assert (status.exit_code, log) == (0, "done\n")

    @pytest.mark.parametrize(
        "name", ["../../escape", "a/b", "-rf", "ü n i", "$(touch x)", "%s{0}", "x" * 400, "'; true"]
    )
    def test_a_hostile_id_is_only_a_name(self, executor: Executor, folder: Path, name: str) -> None:
        before = set(folder.parent.iterdir())
        status, log = self.run(executor, folder, "echo ok; ls", id=name)
        assert (status.exit_code, log) == (0, "ok\n")
        assert set(folder.parent.iterdir()) == before

    @pytest.mark.parametrize("name", ["", "a\0b", "a\nb", "x" * 10_000])
    def test_an_id_that_names_nothing_is_refused(self, executor: Executor, folder: Path, name: str) -> None:
        with pytest.raises(InvalidError):
            executor.submit(self.attempt(folder, "true", id=name))
        assert not list(folder.iterdir())

    @pytest.mark.parametrize(
        "wrong",
        [
            {"argv": ()},
            {"argv": ("/bin/sh", "a\0b")},
            {"env": {"A=B": "c"}},
            {"env": {"A": "b\0"}},
            {"timeout": -1.0},
            {"timeout": float("nan")},
            {"cwd": Path("relative")},
            {"cwd": Path("/tmp")},  # noqa: S108 (refused: outside)
            {"read_only": (Path("/does/not/exist"),)},
            {"writable": (Path("/"),)},
        ],
        ids=str,
    )
    def test_what_cannot_be_run_as_asked_is_refused_before_anything_is_written(
        self, executor: Executor, folder: Path, wrong: dict[str, Any]
    ) -> None:
        with pytest.raises(InvalidError):
            executor.submit(self.attempt(folder, "true", **wrong))
        assert not list(folder.iterdir())

    def test_the_attempts_own_records_cannot_be_given_away(self, executor: Executor, folder: Path) -> None:
        for place in (folder, folder.parent):
            with pytest.raises(InvalidError):
                executor.submit(self.attempt(folder, "true", writable=(place,)))
        with pytest.raises(InvalidError):
            executor.submit(self.attempt(folder, "true", cwd=folder / "work/../.."))

    def test_an_attempt_whose_folder_is_gone_is_lost(self, executor: Executor, folder: Path) -> None:
        handle = executor.submit(self.attempt(folder, "true"))
        self.end(executor, handle)
        gone = Handle(handle.executor, {key: value.replace("/attempt", "/gone") for key, value in handle.data.items()})
        assert executor.status(gone).state is AttemptState.LOST
        assert executor.read_log(gone) == b""
        executor.stop(gone)

    def test_a_handle_of_another_executor_is_refused(self, executor: Executor, folder: Path) -> None:
        with pytest.raises(RegistaError):
            executor.status(Handle("elsewhere", {"directory": str(folder)}))

    def test_an_attempt_survives_its_submitter_and_is_found_by_another(self, executor: Executor, folder: Path) -> None:
        """The submitting process is killed with its whole group, as an impatient operator would do it."""
        attempt = self.attempt(folder, "echo ready; while [ ! -e go ]; do sleep 0.02; done; exit 9")
        submitter = subprocess.Popen(
            [sys.executable, "-c", f"{self.source}\n{_SUBMIT}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        with submitter:
            assert submitter.stdin is not None
            assert submitter.stdout is not None
            submitter.stdin.write(msgspec.json.encode(attempt, enc_hook=str) + b"\n")
            submitter.stdin.flush()
            handle = msgspec.json.decode(submitter.stdout.readline(), type=Handle)
            os.killpg(submitter.pid, signal.SIGKILL)
        self.begun(executor, handle)
        assert executor.status(handle).state is AttemptState.RUNNING
        assert executor.submit(attempt) == handle
        (folder / "work/go").touch()
        assert self.end(executor, handle).exit_code == 9

    def test_many_attempts_run_side_by_side(self, executor: Executor, tmp_path: Path) -> None:
        handles = []
        for number in range(8):
            folder = tmp_path / str(number)
            folder.mkdir()
            handles.append(executor.submit(self.attempt(folder, f"sleep 0.2; exit {number}", id=f"run-{number}")))
        assert [self.end(executor, handle).exit_code for handle in handles] == list(range(8))


_SUBMIT = """
import sys, time, msgspec
from regista.interfaces.executors import Attempt
attempt = msgspec.json.decode(sys.stdin.buffer.readline(), type=Attempt, dec_hook=lambda kind, value: kind(value))
sys.stdout.buffer.write(msgspec.json.encode(executor.submit(attempt)) + b"\\n")
sys.stdout.flush()
time.sleep(600)
"""
