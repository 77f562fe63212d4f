"""The executors of this installation, each against the contract, and what only processes on this machine promise."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from regista.conformance.executors import ExecutorContract, until
from regista.drivers.executors import bubblewrap
from regista.drivers.executors.process import ProcessExecutor
from regista.drivers.executors.spawner import SUPERVISOR
from regista.errors import UnavailableError, UnsupportedError
from regista.interfaces.executors import AttemptState, Handle

needs_bubblewrap = pytest.mark.skipif(bool(bubblewrap.problem()), reason=bubblewrap.problem())


def supervisor_of(folder: Path) -> int:
    return json.loads((folder / "status.json").read_text())["pid"]


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in {"Z", "X"}
    except (FileNotFoundError, ProcessLookupError):
        return True


def crew_of(executor: ProcessExecutor) -> dict[str, int]:
    """The watcher, supervisor and starter that wait for the next attempt; {} until they are whole."""
    crew, parent = {}, executor._spawner._process.pid
    for name in ("regista-watch", "regista-job", "starter"):
        below = subprocess.run(["pgrep", "-P", str(parent)], capture_output=True, text=True, check=False).stdout.split()
        if len(below) != 1:
            return {}
        crew[name] = parent = int(below[0])
    return crew


class ProcessContract(ExecutorContract):
    """What holds with and without confinement."""

    confine: bool

    @pytest.fixture
    def executor(self):
        with ProcessExecutor(confine=self.confine) as executor:
            yield executor

    def _outsider(self, folder: Path, tag: str) -> list[int]:
        """The processes of an attempt, seen from outside, by a word of their command line."""
        found = subprocess.run(["pgrep", "-f", tag], capture_output=True, text=True, check=False).stdout.split()
        return [int(pid) for pid in found]

    @pytest.mark.crash
    def test_a_killed_supervisor_takes_everything_along_and_the_attempt_is_lost(self, executor, folder):
        tag = f"76{os.getpid()}"
        script = f"sleep {tag} & setsid sleep {tag} & (setsid sh -c 'sleep {tag}' &); echo ready; sleep {tag}; true"
        attempt = self.attempt(folder, script)
        handle = executor.submit(attempt)
        self.begun(executor, handle)
        until(lambda: len(self._outsider(folder, f"^sleep {tag}")) >= 4)
        os.kill(supervisor_of(folder), signal.SIGKILL)
        status = self.end(executor, handle)
        assert (status.state, status.exit_code) == (AttemptState.LOST, None)
        assert self._outsider(folder, f"sleep {tag}") == []
        assert executor.submit(attempt) == handle, "an attempt is started at most once"
        assert executor.status(handle).state is AttemptState.LOST

    @pytest.mark.crash
    def test_a_killed_watcher_harms_nothing(self, executor, folder):
        handle = executor.submit(self.attempt(folder, "echo ready; while [ ! -e go ]; do sleep 0.02; done; exit 4"))
        self.begun(executor, handle)
        watcher = int(Path(f"/proc/{supervisor_of(folder)}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(watcher, signal.SIGKILL)
        until(lambda: gone(watcher))
        assert executor.status(handle).state is AttemptState.RUNNING
        (folder / "work/go").touch()
        assert self.end(executor, handle).exit_code == 4

    @pytest.mark.crash
    def test_a_killed_spawner_is_replaced(self, executor, folder, tmp_path):
        first = executor.submit(self.attempt(folder, "sleep 0.3; exit 6"))
        os.kill(executor._spawner._process.pid, signal.SIGKILL)
        other = tmp_path / "other"
        other.mkdir()
        second = executor.submit(self.attempt(other, "exit 7", id="run-2"))
        assert self.end(executor, first).exit_code == 6
        assert self.end(executor, second).exit_code == 7

    @pytest.mark.crash
    @pytest.mark.parametrize("name", ["regista-watch", "regista-job", "starter"])
    def test_a_crew_that_lost_a_member_while_it_waited_is_replaced(self, executor, folder, tmp_path, name):
        first = executor.submit(self.attempt(folder, "exit 6"))
        assert self.end(executor, first).exit_code == 6
        waiting = until(lambda: crew_of(executor))
        os.kill(waiting[name], signal.SIGKILL)
        until(lambda: all(map(gone, waiting.values())))
        other = tmp_path / "other"
        other.mkdir()
        second = executor.submit(self.attempt(other, "exit 7", id="run-2"))
        assert self.end(executor, second).exit_code == 7

    @pytest.mark.crash
    def test_a_crew_that_waits_ends_with_its_spawner(self, executor, folder):
        self.end(executor, executor.submit(self.attempt(folder, "true")))
        waiting = until(lambda: crew_of(executor))
        os.kill(executor._spawner._process.pid, signal.SIGKILL)
        until(lambda: all(map(gone, waiting.values())))

    def test_sigterm_to_the_supervisor_stops_the_attempt(self, executor, folder):
        handle = executor.submit(self.attempt(folder, "trap 'exit 8' TERM; echo ready; while :; do sleep 0.02; done"))
        self.begun(executor, handle)
        os.kill(supervisor_of(folder), signal.SIGTERM)
        status = self.end(executor, handle)
        assert (status.exit_code, status.reason) == (8, "stopped")

    def test_a_request_to_stop_is_found_without_a_signal(self, executor, folder):
        handle = executor.submit(self.attempt(folder, "echo ready; sleep 60"))
        self.begun(executor, handle)
        (folder / "stop.json").write_text('{"grace": 5}')
        assert self.end(executor, handle).reason == "stopped"

    def test_a_status_that_was_tampered_with_is_not_believed(self, executor, folder):
        handle = executor.submit(self.attempt(folder, "exit 1"))
        self.end(executor, handle)
        for forged in ("", "{", "[]", '{"state": "exited", "exit_code": 0}', "\0" * 100):
            (folder / "status.json").write_text(forged)
            until(lambda: executor.status(handle).state is AttemptState.LOST)  # once the supervisor is gone as well

    def test_another_process_with_the_supervisors_number_is_not_signalled(self, executor, folder):
        handle = executor.submit(self.attempt(folder, "exit 0"))
        ended = self.end(executor, handle)
        victim = subprocess.Popen(["sleep", "60"])
        record = json.loads((folder / "status.json").read_text()) | {"state": "running", "pid": victim.pid}
        (folder / "status.json").write_text(json.dumps(record))
        with (folder / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            executor.stop(handle, grace=0)
        assert ended.exit_code == 0
        assert victim.poll() is None
        victim.kill()
        victim.wait()

    def test_waiting_returns_with_the_end_or_the_time(self, executor, folder):
        handle = executor.submit(self.attempt(folder, "sleep 0.5; exit 2"))
        assert executor.wait(handle, 0.05).state is AttemptState.RUNNING
        assert until(lambda: executor.wait(handle, 10).exit_code) == 2
        assert executor.wait(handle, 10).exit_code == 2

    def test_the_token_is_for_the_owners_eyes(self, executor, folder):
        self.run(executor, folder, "true", env={"MLFLOW_TRACKING_TOKEN": "t"})
        assert (folder / "attempt.json").stat().st_mode & 0o077 == 0

    def test_submitting_from_many_threads_starts_an_attempt_once(self, executor, folder):
        attempt = self.attempt(folder, "echo started >> count; sleep 0.2")
        handles = []
        threads = [threading.Thread(target=lambda: handles.append(executor.submit(attempt))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(handles) == 8
        assert self.end(executor, handles[0]).exit_code == 0
        assert (folder / "work/count").read_text() == "started\n"

    def test_limits_are_in_force(self, folder):
        with ProcessExecutor(confine=self.confine, open_files=111) as executor:
            _, log = self.run(executor, folder, "ulimit -Sn; ulimit -c")
        assert log.split() == ["111", "0"]


class TestUnconfined(ProcessContract):
    """Where bubblewrap is not installed."""

    confine = False
    source = "from regista.drivers.executors.process import ProcessExecutor; executor = ProcessExecutor(confine=False)"

    def test_it_says_so(self, executor):
        assert not executor.capabilities().confined
        assert executor.capabilities().problem

    def test_it_does_not_pretend_to_cut_off_the_network(self, executor, folder):
        with pytest.raises(UnsupportedError):
            executor.submit(self.attempt(folder, "true", network=False))
        assert not (folder / "attempt.json").exists()

    def test_a_folder_that_vanished_before_the_start_failed_to_start(self, executor, folder):
        attempt = self.attempt(folder, "true")
        executor._prepare(attempt)
        attempt.cwd.rmdir()
        handle = executor.submit(attempt)
        status = self.end(executor, handle)
        assert (status.state, status.reason) == (AttemptState.EXITED, "failed_to_start")
        assert "No such file" in status.message

    def test_a_program_that_may_not_be_executed_failed_to_start(self, executor, folder):
        script = folder / "script"
        script.write_text("#!/bin/sh\n")
        handle = executor.submit(self.attempt(folder, "", argv=(str(script),)))
        status = self.end(executor, handle)
        assert (status.exit_code, status.reason) == (126, "failed_to_start")


@needs_bubblewrap
class TestConfined(ProcessContract):
    """Where bubblewrap works."""

    confine = True
    source = "from regista.drivers.executors.process import ProcessExecutor; executor = ProcessExecutor(confine=True)"

    def test_read_only_is_enforced_and_writable_allowed(self, executor, folder, tmp_path):
        given, free = tmp_path / "given", tmp_path / "given/free"
        free.mkdir(parents=True)
        (given / "data").write_text("content")
        script = f"cat {given}/data; echo x > {given}/data; rm -f {given}/data; echo y > {free}/out; ls {tmp_path}"
        _, log = self.run(executor, folder, script, read_only=(given,), writable=(free,))
        assert log.startswith("content")
        assert (given / "data").read_text() == "content"
        assert (free / "out").read_text() == "y\n"
        assert sorted(log.splitlines()[-2:]) == ["attempt", "given"]

    def test_only_what_is_listed_is_seen(self, executor, folder, tmp_path):
        (tmp_path / "catalog.db").write_text("secret")
        home = Path.home()
        script = (
            f"ls -a {tmp_path}; cat {tmp_path}/catalog.db {folder}/attempt.json; ls {home}; cat /etc/shadow; ls -A /"
        )
        status, log = self.run(executor, folder, script)
        assert "catalog.db\n" not in log.splitlines()
        assert "secret" not in log
        assert '"argv"' not in log
        assert f"cannot access '{home}'" in log
        assert not {"home", "root", "opt", "srv", "mnt", "run"} & set(log.splitlines())
        assert status.exit_code == 0

    def test_the_system_is_read_only(self, executor, folder):
        """Only asked, never tried: should confinement fail, this must not harm the machine."""
        places = "/ /usr /usr/bin /etc /proc/sys /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /sys /sys/devices/system/cpu"
        _, log = self.run(executor, folder, f"for p in {places}; do [ -w $p ] && echo writable: $p; done; true")
        assert log == ""

    def test_what_is_copied_into_it_is_as_it_is_outside(self, executor, folder):
        assert "/etc/passwd" in bubblewrap.copies()
        names = " ".join(bubblewrap.copies())
        status, log = self.run(executor, folder, f"sha256sum {names}; rm -f /etc/passwd; echo x >> /etc/passwd")
        outside = subprocess.run(["sha256sum", *bubblewrap.copies()], capture_output=True, text=True, check=True)
        assert log.startswith(outside.stdout)
        assert status.exit_code != 0

    def test_the_job_has_no_capabilities(self, executor, folder):
        _, log = self.run(executor, folder, "grep -E 'Cap(Eff|Prm|Inh|Amb)|NoNewPrivs' /proc/self/status")
        assert [line.split()[1].lstrip("0") for line in log.splitlines()] == ["", "", "", "", "1"]

    def test_other_processes_are_not_seen(self, executor, folder):
        _, log = self.run(executor, folder, f"cat /proc/*/comm; kill -0 {os.getpid()} || echo none")
        assert "none" in log
        assert "regista" not in log
        assert len(log.splitlines()) < 8

    def test_temporary_files_are_the_attempts_own(self, executor, folder):
        self.run(executor, folder, "echo mine > /tmp/marker-of-an-attempt; ls -A /tmp")
        assert not Path("/tmp/marker-of-an-attempt").exists()
        assert (folder / "tmp/marker-of-an-attempt").exists()

    def test_the_network_can_be_cut_off(self, executor, folder, tmp_path):
        _, log = self.run(executor, folder, "cat /proc/net/dev", network=False)
        assert {line.split(":")[0].strip() for line in log.splitlines()[2:]} <= {"lo", "sit0", "tunl0", "ip6tnl0"}
        other = tmp_path / "other"
        other.mkdir()
        _, open_log = self.run(executor, other, "readlink /proc/self/ns/net")
        assert open_log.splitlines()[-1] == str(Path("/proc/self/ns/net").readlink())

    def test_a_preloaded_library_stays_inside(self, executor, folder):
        """The dynamic linker complains in every program it cannot preload into; bwrap must not be one of them."""
        status, log = self.run(executor, folder, "true", env={"LD_PRELOAD": "/no/such/library.so"})
        assert status.exit_code == 0
        assert log.count("library.so") <= 1

    def test_python_runs_when_its_home_is_listed(self, executor, folder):
        homes = {Path(sys.base_prefix), Path(sys.prefix)}
        handle = executor.submit(
            self.attempt(
                folder,
                "",
                argv=(sys.executable, "-c", "import ssl, msgspec; print('fine')"),
                read_only=tuple(sorted(homes)),
            )
        )
        assert self.end(executor, handle).exit_code == 0, executor.read_log(handle)
        assert executor.read_log(handle) == b"fine\n"


def test_confinement_that_is_demanded_and_impossible_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(bubblewrap, "problem", lambda: "bwrap is not installed")
    (tmp_path / "attempt").mkdir()
    with ProcessExecutor(confine=True) as executor, pytest.raises(UnsupportedError, match="not installed"):
        executor.submit(ExecutorContract().attempt(tmp_path / "attempt", "true"))
    with ProcessExecutor() as executor:
        assert not executor.capabilities().confined


def test_an_interpreter_that_is_missing_is_named(tmp_path):
    (tmp_path / "attempt").mkdir()
    with (
        ProcessExecutor("/no/such/python", confine=False) as executor,
        pytest.raises(UnavailableError, match="/no/such/python"),
    ):
        executor.submit(ExecutorContract().attempt(tmp_path / "attempt", "true"))


def test_the_supervisor_runs_as_a_program_of_its_own(tmp_path):
    """For transports that start it themselves: one folder, one process, back when the attempt is under way."""
    folder = tmp_path / "attempt"
    with ProcessExecutor(confine=False) as executor:
        executor._prepare(ExecutorContract().attempt(folder, "echo started >> count; sleep 0.3; exit 3"))
        program = [sys.executable, "-I", "-S", SUPERVISOR, folder]
        at_once = [subprocess.Popen(program) for _ in range(3)]
        handle = Handle("process", {"id": "run-1", "directory": str(folder), "log": str(folder / "logs/std.txt")})
        assert [started.wait(20) for started in at_once] == [0, 0, 0]
        assert ExecutorContract().end(executor, handle).exit_code == 3
        assert subprocess.run(program, check=False, timeout=20).returncode == 0
        assert ExecutorContract().end(executor, handle).exit_code == 3
        assert (folder / "work/count").read_text() == "started\n", "an attempt is started at most once"
        missing = subprocess.run(
            [sys.executable, "-I", "-S", SUPERVISOR, tmp_path / "none"], capture_output=True, check=False
        )
    assert missing.returncode == 1
    assert b"No such file" in missing.stderr
