"""What a model answered, made plain: lists, dicts and scalars that every door can write down."""

from __future__ import annotations

import base64
import math
from typing import Any


class Prediction:
    """*values* is plain; ``rows`` says how many rows it answers for, or ``None`` if it is not one value per row."""

    __slots__ = ("dtype", "rows", "values")

    def __init__(self, values: Any, dtype: str | None = None, rows: int | None = None) -> None:
        self.values = values
        self.dtype = dtype
        self.rows = rows

    def part(self, start: int, stop: int) -> Prediction:
        """The answer for the rows from *start* to *stop*."""
        return Prediction(self.values[start:stop], self.dtype, stop - start)


def plain(result: Any) -> Prediction:
    """The prediction in *result*: a list, numpy array, pandas object, or anything JSON can say."""
    if isinstance(result, list):
        return Prediction(result, None, len(result))
    dtype = getattr(result, "dtype", None)
    if hasattr(result, "to_dict") and hasattr(result, "columns"):
        records = result.to_dict(orient="records")
        return Prediction(records, None, len(records))
    if dtype is not None and hasattr(result, "tolist"):
        values = result.tolist()
        return Prediction(values, str(dtype), len(values) if isinstance(values, list) else None)
    if hasattr(result, "toarray"):  # a sparse matrix
        return plain(result.toarray())
    return Prediction(result)


def jsonable(value: Any) -> Any:
    """The hook of the JSON encoder: what a model may return and JSON does not know."""
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        return value.to_dict(orient="records")
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "toarray"):
        return value.toarray().tolist()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, (bytearray, memoryview)):
        return base64.b64encode(bytes(value)).decode()
    if hasattr(value, "__iter__"):
        return list(value)
    raise TypeError(f"the model returned a {type(value).__name__}, which JSON cannot say")


def same(one: Any, other: Any) -> bool:
    """Whether two plain values agree, floats up to the rounding that another order of summation brings."""
    if isinstance(one, float) and isinstance(other, (float, int)):
        return (
            one == other
            or math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-9)
            or (math.isnan(one) and math.isnan(other))
        )
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)
