"""A few steps of many, evenly chosen: found in one pass over all of them, a block at a time."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain


class Steps:
    """The steps of one history as they go by; ``ends`` are the first and the last so far."""

    def __init__(self, blocks: Iterable[list[int]]) -> None:
        """*blocks* of steps in order, each step once."""
        self._blocks = blocks
        self.ends: tuple[int, ...] = ()

    def __iter__(self) -> Iterator[list[int]]:
        for block in self._blocks:
            if block:
                self.ends = (self.ends or block)[0], block[-1]
                yield block


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


def _merged(histories: Sequence[Steps]) -> Iterator[list[int]]:
    """All steps in order, each once; at a time those up to where the shortest block ends."""
    rest = [iter(one) for one in histories]
    held = [next(one, []) for one in rest]
    while some := [block for block in held if block]:
        end = min(block[-1] for block in some)
        places = [bisect_right(block, end) for block in held]
        steps = chain.from_iterable(block[:place] for block, place in zip(held, places, strict=True))
        yield list(dict.fromkeys(sorted(steps)))
        held = [
            block[place:] or (next(one, []) if block else [])
            for one, block, place in zip(rest, held, places, strict=True)
        ]
