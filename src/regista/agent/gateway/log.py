"""The gateway's own lines, on standard error: start, stop, new tables, workers that come and go."""

import logging
import sys
import time

log = logging.getLogger("regista.gateway")


def to_stderr() -> None:
    """One line per event, in UTC."""
    handler = logging.StreamHandler(sys.stderr)
    formatter = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    log.handlers[:] = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False
