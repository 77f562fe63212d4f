"""How far a transfer is, in bytes: silent for programs, a bar for people."""

import sys
from typing import Any, Protocol


class Progress(Protocol):
    """Told by the transfer; ``advance`` comes from several threads at once."""

    def start(self, total_bytes: int, files: int) -> None:
        """The transfer begins and will move *total_bytes* of *files*; called once more for a next phase."""

    def advance(self, count: int) -> None:
        """*count* more bytes are where they belong."""

    def done(self) -> None:
        """The transfer is over, well or not; calling it again changes nothing."""


class SilentProgress:
    """Says nothing."""

    def start(self, total_bytes: int, files: int) -> None:
        pass

    def advance(self, count: int) -> None:
        pass

    def done(self) -> None:
        pass


SILENT: Progress = SilentProgress()


class BarProgress:
    """A bar on the terminal's standard error."""

    def __init__(self, title: str) -> None:
        from rich import progress
        from rich.console import Console

        columns = (
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.DownloadColumn(binary_units=True),
            progress.TransferSpeedColumn(),
            progress.TimeRemainingColumn(),
        )
        self._bar = progress.Progress(*columns, console=Console(stderr=True), transient=True)
        self._title = title
        self._task: Any = None

    def start(self, total_bytes: int, files: int) -> None:
        title = f"{self._title} {files:,} file{'' if files == 1 else 's'}"
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(title, total=total_bytes)
        if files:
            self._bar.start()

    def advance(self, count: int) -> None:
        if self._task is not None:
            self._bar.advance(self._task, count)

    def done(self) -> None:
        self._bar.stop()


def progress_for(title: str) -> Progress:
    """A bar where standard error is a terminal, silence elsewhere."""
    return BarProgress(title) if sys.stderr.isatty() else SILENT
