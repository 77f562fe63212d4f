"""Regista: machine-learning registries across workspaces."""

__version__ = "0.1.0"
