"""The gateway's own lines, on standard error: start, stop, new tables, workers that come and go."""

import logging

log = logging.getLogger("regista.gateway")
