"""Where a measurement stands in the history of its metric, as the database has it."""

import math
from collections.abc import Sequence

from regista.drivers.catalog.sql.columns import Kind
from regista.entities.run import Metric

Place = tuple[int, int, int, float]
"""Step, timestamp, whether it is a number, value: a history is sorted by these, NaN before any number, and its last is the latest."""
Point = tuple[str, int, int, int, float]
"""A key, and a place in its history."""

NAMES = ("steps", "timestamps", "are_numbers", "values")
KINDS = (Kind.BIGINT, Kind.BIGINT, Kind.INTEGER, Kind.DOUBLE)
COLUMNS = "CAST(:steps AS bigint[]), CAST(:timestamps AS bigint[]), CAST(:are_numbers AS integer[]), CAST(:values AS float8[])"
"""Many places for PostgreSQL, as an array a column."""


def columns_of(metrics: Sequence[Metric]) -> tuple[list[int], list[int], list[int], list[float]]:
    """The places of *metrics*, by columns. NaN is stored as (0, 0.0), since SQLite has no NaN."""
    values = [float(one.value) for one in metrics]
    are_numbers = [1] * len(values)
    if math.isnan(sum(values)):  # the sum of infinities may be, too
        are_numbers = [int(not math.isnan(value)) for value in values]
        values = [value if is_number else 0.0 for value, is_number in zip(values, are_numbers, strict=True)]
    return [one.step for one in metrics], [one.timestamp for one in metrics], are_numbers, values


def points_of(metrics: Sequence[Metric]) -> list[Point]:
    """*metrics* in the order of their keys and histories."""
    return sorted(zip([one.key for one in metrics], *columns_of(metrics), strict=True))
