"""Datastores and the bytes behind them: files that clients put somewhere before, or after, a version or a job names them."""
