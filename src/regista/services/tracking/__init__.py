"""Runs, experiments, artifacts, logged models: what scripts write while they run."""
