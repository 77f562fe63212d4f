"""Payloads as numpy arrays and pandas frames. Both libraries belong to the model's environment and may be absent.

A frame costs scikit-learn four times as much as an array (measured: 1.33 against 0.35 ms for one row of four numbers), so
estimators that look at numbers and never at names get arrays, with the columns already in the order of their training."""

# ruff: noqa: B905 - zip(strict=) came with Python 3.10, models may be older

from __future__ import annotations

import importlib
from typing import Any

from .faults import BadRequestError
from .payload import Payload
from .signature import Signature


def _optional(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


numpy = _optional("numpy")
pandas = _optional("pandas")

_DTYPES = {"double": "float64", "float": "float32", "long": "int64", "integer": "int32", "boolean": "bool"}
_UNFIT = (ValueError, TypeError, OverflowError)


class Native:
    """Turns payloads into what the model was trained with. *style* is ``frame``, ``array``, ``numbers`` (an array where all
    is numeric, else a frame) or ``lists``."""

    def __init__(self, style: str, signature: Signature) -> None:
        if numpy is None:
            style = "lists"
        elif style in ("frame", "numbers") and pandas is None:
            style = "array"
        self.style = style
        self._signature = signature
        self._types = {one.name: one.type for one in signature.inputs or []}
        kinds = {_DTYPES.get(kind) for kind in self._types.values()}
        self._uniform = kinds.pop() if len(kinds) == 1 else None

    def of(self, payload: Payload) -> Any:
        """Raise ``BadRequestError`` if the values do not make a table or tensor."""
        try:
            if payload.named is not None:
                return {name: self._tensor(name, value) for name, value in payload.named.items()}
            if self.style == "lists":
                return payload.rows
            if self.style == "frame" and payload.columns is not None:
                return self._frame(payload.rows, payload.columns)
            made = self._array(payload.rows, payload.columns)
        except _UNFIT as error:
            told = f"the values do not make a table: {error}"
            raise BadRequestError(told, expected=self._signature.expected()) from error
        if self.style == "numbers" and payload.columns is not None and made.dtype.kind not in "fiu":
            return self._frame(payload.rows, payload.columns)
        return made

    def _array(self, rows: list[Any], columns: tuple[str, ...] | None) -> Any:
        if columns is not None or not self._signature.tensors:
            return numpy.asarray(rows, dtype=self._uniform if columns is not None else None)
        return self._tensor(None, rows)

    def _tensor(self, name: str | None, value: Any) -> Any:
        wanted = self._types.get(name)
        if numpy is None:
            return value
        return numpy.asarray(value, dtype=None if wanted in (None, "object", "str") else _DTYPES.get(wanted, wanted))

    def _frame(self, rows: list[Any], columns: tuple[str, ...]) -> Any:
        if self._uniform is not None:
            return pandas.DataFrame(
                numpy.asarray(rows, dtype=self._uniform).reshape(len(rows), len(columns)), columns=columns
            )
        if not rows:
            return pandas.DataFrame(columns=list(columns))
        cells = {}
        for name, values in zip(columns, zip(*rows)):
            kind = self._types.get(name)
            if kind == "datetime":
                cells[name] = pandas.to_datetime(list(values))
            elif kind in _DTYPES and None not in values:
                cells[name] = numpy.asarray(values, dtype=_DTYPES[str(kind)])
            else:
                cells[name] = list(values)
        return pandas.DataFrame(cells, columns=list(columns))


def by_numbers(estimator: Any) -> bool:
    """Whether scikit-learn's *estimator* answers the same for an array as for a frame of the same numbers. Known only of
    scikit-learn's own estimators that hold no others, and of pipelines of such; those that select columns by name, call
    functions of the user or pass frames on do not count."""
    steps = getattr(estimator, "steps", None)
    if type(estimator).__name__ == "Pipeline" and isinstance(steps, list):
        return all(by_numbers(step) or step in ("passthrough", None) for _, step in steps)
    if type(estimator).__module__.partition(".")[0] != "sklearn" or hasattr(estimator, "_sklearn_output_config"):
        return False
    names = vars(estimator)
    holds = ("estimator", "estimators", "transformers", "transformer_list", "base_estimator", "regressor", "func")
    return not any(name in names for name in holds) and names.get("categorical_features") is None
