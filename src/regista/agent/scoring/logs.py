"""The worker's own lines in its log, which is its standard error; the script's output goes there as it is.

The gateway writes its lines in the same way."""

from __future__ import annotations

import logging
import sys
import time

log = logging.getLogger("regista.scoring")


def to_stderr(log: logging.Logger) -> None:
    """Lines of *log* in UTC. Independent of whatever logging the user's script sets up."""
    handler = logging.StreamHandler(sys.stderr)
    formatter = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    log.handlers[:] = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False
