"""A long history as few points, for a plot: computed while the values pass by, in memory that their number does not matter to.

The values stand in buckets of equally many. Of each bucket the least and the greatest value stay, and of the whole the first
and the last, so that no peak is lost and a line through what stays covers what a line through everything would. (Minima and
maxima by groups as in U. Jugel, Z. Jerzak, G. Hackenbroich, V. Markl: "M4: A Visualization-Oriented Time Series Data
Aggregation", PVLDB 7(10), 2014; the paper also keeps the first and the last of every group.) How many values there will be need
not be known: when the buckets are full, each two neighbours become one of twice the width.
"""

from collections.abc import Sequence
from operator import attrgetter

from regista.entities.run import Metric

FEWEST = 4
"""The first, the last, the least and the greatest."""

_value = attrgetter("value")
_place = attrgetter("step", "timestamp", "value")


class Thinning:
    """Takes values in the order of a history and keeps at most *most* of them, or all while they are no more than that.

    NaN is neither the least nor the greatest; a bucket of nothing else keeps its first, so that a gap stays one."""

    def __init__(self, most: int) -> None:
        """*most* is at least ``FEWEST``."""
        self._most = most
        self._all: list[Metric] = []
        self._buckets: list[tuple[Metric, ...]] = []
        self._width, self._filled = 1, 1
        """How many values make a bucket, and how many are in the last."""
        self._ends: tuple[Metric, ...] = ()

    def add(self, block: Sequence[Metric]) -> None:
        """Take the next values."""
        if not block:
            return
        self._ends = (self._ends or block)[0], block[-1]
        if not self._buckets:
            self._all += block
            if len(self._all) <= self._most:
                return
            block, self._all = self._all, []
        start = 0
        while start < len(block):
            if self._filled == self._width:
                self._open()
            end = start + self._width - self._filled
            part = block[start:end]
            self._buckets[-1] = _extremes((*self._buckets[-1], *part))
            self._filled += len(part)
            start = end

    def points(self) -> list[Metric]:
        """What stays of the values so far, in their order."""
        if not self._buckets:
            return list(self._all)
        first, last = self._ends
        inner = (one for bucket in self._buckets for one in bucket)
        return [first, *(one for one in inner if one is not first and one is not last), last]

    def _open(self) -> None:
        """Begin a bucket; where there may be no more, make one of each two. A last one without a neighbour is half full."""
        if len(self._buckets) == (self._most - 2) // 2:
            halves = self._buckets
            self._buckets = [_extremes(sum(halves[at : at + 2], ())) for at in range(0, len(halves), 2)]
            self._filled = self._width * (1 if len(halves) % 2 else 2)
            self._width *= 2
        if self._filled == self._width:
            self._buckets.append(())
            self._filled = 0


def _extremes(values: Sequence[Metric]) -> tuple[Metric, ...]:
    """The least and the greatest, as they stand in order."""
    numbers = [one for one in values if one.value == one.value]
    if not numbers:
        return tuple(values[:1])
    least, greatest = min(numbers, key=_value), max(numbers, key=_value)
    return (least,) if least is greatest else tuple(sorted((least, greatest), key=_place))
