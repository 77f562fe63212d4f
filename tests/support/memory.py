"""What a process holds in memory, as the kernel counts it: the peak since it was last looked at, and what no file backs."""

from itertools import pairwise
from pathlib import Path

import msgspec

_HEAP = 64 << 20


class Held(msgspec.Struct, frozen=True):
    """In bytes: the most that was resident at once, what is so now, and how much of that no file backs."""

    peak: int
    resident: int
    anonymous: int


class Memory:
    """The memory of process *pid*, which must be the caller's own to reset."""

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}")

    def reset(self) -> Held:
        """Let the peak begin anew at what is held now, and return that."""
        (self._folder / "clear_refs").write_text("5")
        return self.held()

    def held(self) -> Held:
        """What there was since the last reset."""
        lines = (self._folder / "status").read_text().splitlines()
        told = {name: value for name, _, value in (line.partition(":") for line in lines)}
        return Held(_bytes(told["VmHWM"]), _bytes(told["VmRSS"]), _bytes(told["RssAnon"]))

    def heaps(self) -> int:
        """How many heaps glibc has made for threads. Each is at a multiple of 64 MiB and has as many for itself, of which it
        can use the beginning."""
        lines = [line.split(maxsplit=2) for line in (self._folder / "maps").read_text().splitlines()]
        places = [(_place(line[0]), line[1]) for line in lines]
        return sum(
            start % _HEAP == 0 and (may, rest_may) == ("rw-p", "---p") and rest == (end, start + _HEAP)
            for ((start, end), may), (rest, rest_may) in pairwise(places)
        )


def _place(said: str) -> tuple[int, int]:
    start, _, end = said.partition("-")
    return int(start, 16), int(end, 16)


def _bytes(said: str) -> int:
    return int(said.split(maxsplit=1)[0]) << 10
