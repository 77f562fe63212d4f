"""The log of requests does not grow without end."""

import asyncio
from pathlib import Path

from regista.agent.gateway.access_log import AccessLog, Entry


def entry(number: int) -> Entry:
    return Entry(time="", request_id=f"{number:04}", client="", method="POST", path="/", status=200, ms=1.0)


def write(log: AccessLog, numbers: range) -> None:
    async def work() -> None:
        for number in numbers:
            log.write(entry(number))
            log.flush()

    asyncio.run(work())


def test_it_is_put_aside_at_its_limit_and_the_one_before_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "access.jsonl"
    write(AccessLog(path, 1000), range(50))
    old, new = path.with_name("access.jsonl.1").read_text(), path.read_text()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["access.jsonl", "access.jsonl.1"]
    assert max(len(old), len(new)) <= 1000
    numbers = [line.split('"request_id":"')[1][:4] for line in (old + new).splitlines()]
    assert numbers == [f"{number:04}" for number in range(50 - len(numbers), 50)]
    assert len(numbers) > 10


def test_a_folder_that_comes_back_gets_lines_again(tmp_path: Path) -> None:
    path = tmp_path / "log" / "access.jsonl"
    path.parent.mkdir()
    log = AccessLog(path, 1000)
    path.parent.rename(tmp_path / "gone")
    write(log, range(50))
    path.parent.mkdir()
    write(log, range(50, 60))
    assert '"0059"' in path.read_text()


def test_without_a_limit_it_is_one_file(tmp_path: Path) -> None:
    write(AccessLog(tmp_path / "access.jsonl"), range(50))
    assert len((tmp_path / "access.jsonl").read_text().splitlines()) == 50
