"""Versions made from files, jobs, runs and other versions: registration and promotion."""
