"""Logs of attempts stay within their bound, and say so."""

import os
from pathlib import Path

import pytest

from regista.agent.supervisor_log import Log
from regista.conformance.executors import until
from regista.drivers.executors.process import ProcessExecutor
from regista.drivers.serving.process import read_through
from regista.drivers.serving.tries import Try
from regista.interfaces.executors import Attempt, AttemptState

LINES = "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done"
WHOLE = "".join(f"line {number}\n" for number in range(20_000)).encode()


def run(folder: Path, script: str, **settings: object) -> int | None:
    """Run a script to its end with its log in ``FOLDER/log``; its exit code."""
    work = folder / "work"
    work.mkdir(parents=True)
    attempt = Attempt(id="a", directory=folder, argv=("/bin/sh", "-c", script), cwd=work, log=folder / "log")
    with ProcessExecutor(confine=False, **settings) as executor:
        handle = executor.submit(attempt)
        until(lambda: executor.status(handle).state is not AttemptState.RUNNING)
        return executor.status(handle).exit_code


def test_a_log_that_reaches_its_limit_ends_with_a_line_that_says_so_and_the_attempt_goes_on(tmp_path: Path) -> None:
    assert run(tmp_path, f"{LINES}; exit 7", log_limit=10_000) == 7
    log = (tmp_path / "log").read_bytes()
    assert log[:10_000] == WHOLE[:10_000]
    assert b"the log was cut here: it has reached 10000 bytes" in log[10_000:]
    assert log.count(b"[regista]") == 1
    assert log.splitlines()[-1].startswith(b"[regista] the log was cut here")


def test_what_was_in_the_log_before_counts(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"x" * 90)
    run(tmp_path, "printf %050d 0", log_limit=100)
    assert (tmp_path / "log").read_bytes().startswith(b"x" * 90 + b"0" * 10 + b"\n[regista]")


@pytest.mark.parametrize("limit", [len(WHOLE), len(WHOLE) + 1, None])
def test_a_log_within_its_limit_is_whole(tmp_path: Path, limit: int | None) -> None:
    run(tmp_path, LINES, log_limit=limit)
    assert (tmp_path / "log").read_bytes() == WHOLE


def test_a_log_that_rotates_keeps_what_was_written_last_and_where_it_stood(tmp_path: Path) -> None:
    run(tmp_path / "1", LINES, log_limit=50_000, rotate_logs=True)
    with ProcessExecutor(confine=False) as executor:
        parts = Try(tmp_path / "1", executor).log_parts()
    assert len(parts) == 2
    assert parts[-1].end == len(WHOLE)
    assert sum(part.path.stat().st_size for part in parts) <= 100_000
    begin, found = read_through(parts, 0, len(WHOLE))
    assert begin == parts[0].start > 0
    assert found == WHOLE[begin:]
    assert read_through(parts, -1000, 10) == (len(WHOLE) - 1000, WHOLE[-1000:-990])
    assert read_through(parts, len(WHOLE), 10) == (len(WHOLE), b"")


def test_what_came_all_at_once_keeps_the_bound_too(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, WHOLE[:60_000])
    os.close(writer)
    log = Log(reader, str(tmp_path / "log"), 25_000, rotates=True)
    log.start()
    log.finish()
    parts = sorted(tmp_path.iterdir(), key=lambda part: part.name, reverse=True)
    assert [part.name for part in parts] == ["log.50000", "log"]
    assert [part.stat().st_size for part in parts] == [25_000, 10_000]
    assert b"".join(part.read_bytes() for part in parts) == WHOLE[25_000:60_000]


def test_a_gap_between_two_tries_is_not_read_over(tmp_path: Path) -> None:
    from regista.drivers.serving.tries import Part

    (tmp_path / "first").write_bytes(b"one")
    (tmp_path / "second").write_bytes(b"two")
    parts = [Part(tmp_path / "first", 0, 3), Part(tmp_path / "second", 10, 13)]
    assert read_through(parts, 1, 100) == (1, b"ne")
    assert read_through(parts, 3, 100) == (10, b"two")


def test_a_log_that_cannot_be_opened_fails_the_start(tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to(tmp_path / "elsewhere")
    assert run(tmp_path, "true") == 126
    assert not (tmp_path / "elsewhere").exists()
