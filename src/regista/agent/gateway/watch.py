"""Noticing a new routing table: by the file's identity every 50 ms, at once on SIGHUP."""

import asyncio
from pathlib import Path
from typing import Protocol

from . import table
from .log import log

PERIOD = 0.05


class Taker(Protocol):
    """Who is given each new table."""

    def update(self, new: table.Table) -> None:
        """Put *new* in force."""


class Watch:
    """Gives every new table to *taker*. A table that is wrong is reported once and changes nothing."""

    def __init__(self, path: Path, taker: Taker) -> None:
        self._path = path
        self._taker = taker
        self._seen = self._identity()
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Read the table again whether or not it looks new."""
        self._asked.set()

    def load(self) -> None:
        """Read the table now; raise ``TableError``."""
        self._seen = self._identity()
        self._taker.update(table.read(self._path))

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            try:
                await asyncio.wait_for(self._asked.wait(), PERIOD)
                self._asked.clear()
            except TimeoutError:
                if self._identity() == self._seen:
                    continue
            try:
                self.load()
            except table.TableError as error:
                log.error("%s; the table before it stays in force", error)

    def _identity(self) -> tuple[int, int, int]:
        try:
            status = self._path.stat()
        except OSError:
            return (0, 0, 0)
        return (status.st_ino, status.st_mtime_ns, status.st_size)
