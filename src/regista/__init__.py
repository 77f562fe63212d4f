"""Regista: machine-learning registries across workspaces. ``regista.connect`` gives a client."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import the client when it is asked for, so that ``import regista`` costs nothing."""
    if name in {"Regista", "connect"}:
        return getattr(import_module("regista.client"), name)
    raise AttributeError(f"module 'regista' has no attribute {name!r}")
