import io
import sys
import threading

import pytest

from regista.client.progress import SILENT, BarProgress, progress_for
from regista.client.workers import run_all


class TestProgress:
    def test_there_is_a_bar_only_on_a_terminal(self, monkeypatch):
        monkeypatch.setattr(sys, "stderr", io.StringIO())
        assert progress_for("Uploading") is SILENT
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
        assert isinstance(progress_for("Uploading"), BarProgress)

    def test_the_bar_writes_to_standard_error_alone(self, monkeypatch, capsys):
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("TERM", "xterm")
        bar = BarProgress("Uploading")
        bar.advance(1)
        bar.start(100, 1)
        bar.advance(50)
        bar.start(2_000, 1_234)
        bar.advance(2_000)
        bar.done()
        bar.done()
        written = capsys.readouterr()
        assert written.out == ""
        assert "Uploading 1,234 files" in written.err

    def test_there_is_no_bar_for_nothing(self, monkeypatch, capsys):
        monkeypatch.setenv("FORCE_COLOR", "1")
        bar = BarProgress("Uploading")
        bar.start(0, 0)
        bar.done()
        assert capsys.readouterr().err == ""


class TestWorkers:
    def test_every_item_is_worked_on_once(self):
        done = []
        run_all(done.append, iter(range(1_000)), 4)
        assert sorted(done) == list(range(1_000))

    def test_the_first_error_stops_the_rest_and_is_raised(self):
        done = []

        def work(item):
            if item == 5:
                raise ValueError("five")
            done.append(item)

        with pytest.raises(ValueError, match="five"):
            run_all(work, iter(range(1_000_000)), 3)
        assert len(done) < 100_000

    def test_an_error_of_the_items_is_raised_too(self):
        def items():
            yield 1
            raise OSError("disk")

        with pytest.raises(OSError, match="disk"):
            run_all(lambda item: None, items(), 3)

    def test_several_items_are_in_hand_at_once(self):
        together = threading.Barrier(3, timeout=10)
        run_all(lambda item: together.wait(), range(3), 3)
