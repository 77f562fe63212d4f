"""A few steps of many, evenly chosen: found in one pass over all of them, in memory of little more than are wanted."""

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import chain, groupby, islice

_BLOCK = 10_000


class Steps:
    """The steps of one history as they go by, in order and each once; ``ends`` are the first and the last so far."""

    def __init__(self, blocks: Iterable[Iterable[int]]) -> None:
        """*blocks* of steps in order, in which one may be repeated."""
        self._blocks = blocks
        self.ends: tuple[int, ...] = ()

    def __iter__(self) -> Iterator[list[int]]:
        for block in self._blocks:
            steps = list(dict.fromkeys(block))
            if steps and self.ends and steps[0] == self.ends[1]:
                del steps[0]
            if steps:
                self.ends = (self.ends or steps)[0], steps[-1]
                yield steps


def chosen(histories: Sequence[Steps], most: int) -> list[int]:
    """At most *most* steps of all that are in any of *histories*, in order and as far apart from one another as can be."""
    kept: list[int] = []
    stride, place = 1, 0
    for block in histories[0] if len(histories) == 1 else _merged(histories):
        kept += block[-place % stride :: stride]
        place += len(block)
        while len(kept) > 2 * most:
            stride, kept = 2 * stride, kept[::2]
    if len(kept) <= most:
        return kept
    return [kept[index * len(kept) // most] for index in range(most)]


def _merged(histories: Iterable[Steps]) -> Iterator[list[int]]:
    steps = (step for step, _ in groupby(merge(*(chain.from_iterable(one) for one in histories))))
    while block := list(islice(steps, _BLOCK)):
        yield block
