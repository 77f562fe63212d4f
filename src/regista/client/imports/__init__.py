"""Importing what MLflow recorded elsewhere: it is read as it lies, and written through the API with the caller's key."""
