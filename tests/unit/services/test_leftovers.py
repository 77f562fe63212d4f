"""Folders of ended jobs go when it is quiet, or when they are too many."""

import time

from regista.services.working import leftovers
from regista.services.working.leftovers import Leftovers


def folders(root, count):
    for n in range(count):
        (root / f"job{n}" / "1").mkdir(parents=True)
        (root / f"job{n}" / "1" / "log").write_text("x")


def left(root):
    return len(list(root.iterdir()))


def gone_within(root, wanted, seconds=20.0):
    end = time.monotonic() + seconds
    while left(root) > wanted and time.monotonic() < end:
        time.sleep(0.01)
    return left(root) <= wanted


class TestLeftovers:
    def test_wait_for_a_moment_of_quiet(self, tmp_path, monkeypatch):
        monkeypatch.setattr(leftovers, "_QUIET", 3600)
        folders(tmp_path, 3)
        waiting = Leftovers(tmp_path)
        for n in range(3):
            waiting.leave(f"job{n}")
        time.sleep(0.1)
        assert left(tmp_path) == 3
        waiting.close()
        assert left(tmp_path) == 0

    def test_go_when_it_is_quiet(self, tmp_path, monkeypatch):
        monkeypatch.setattr(leftovers, "_QUIET", 0.01)
        folders(tmp_path, 2)
        waiting = Leftovers(tmp_path)
        waiting.leave("job0")
        waiting.leave("job1")
        assert gone_within(tmp_path, 0)
        waiting.close()

    def test_are_never_too_many(self, tmp_path, monkeypatch):
        monkeypatch.setattr(leftovers, "_QUIET", 3600)
        monkeypatch.setattr(leftovers, "_MOST", 3)
        folders(tmp_path, 8)
        waiting = Leftovers(tmp_path)
        for n in range(8):
            waiting.leave(f"job{n}")
        assert gone_within(tmp_path, 3)
        assert left(tmp_path) == 3
        waiting.close()

    def test_that_come_after_the_end_go_with_the_next_close(self, tmp_path):
        folders(tmp_path, 1)
        waiting = Leftovers(tmp_path)
        waiting.close()
        waiting.leave("job0")
        waiting.leave("never-was")
        waiting.close()
        assert left(tmp_path) == 0
