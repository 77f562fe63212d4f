"""The table a caller sends, whichever way it was written down."""

from __future__ import annotations

from typing import Any


class Payload:
    """Rows to predict for.

    With ``columns`` every row is a list in their order; without, a row is whatever the caller sent for one instance: a
    number, a string or a nested list. ``named`` holds tensors by name instead, for models whose signature asks for them.
    ``params`` are MLflow's inference parameters."""

    __slots__ = ("columns", "named", "params", "rows")

    def __init__(
        self,
        rows: list[Any],
        columns: tuple[str, ...] | None = None,
        params: dict[str, Any] | None = None,
        named: dict[str, Any] | None = None,
    ) -> None:
        self.rows = rows
        self.columns = columns
        self.params = params
        self.named = named

    def kinship(self) -> object:
        """Equal for payloads that may share one call of the model; ``None`` for one that must be called alone."""
        if self.params or self.named is not None or not self.rows:
            return None
        if self.columns is not None:
            return self.columns
        first = self.rows[0]
        if not isinstance(first, list):
            return type(first)
        if any(isinstance(cell, list) for cell in first):
            return None
        return len(first)
