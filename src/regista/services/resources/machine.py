"""The machine on which this runs, as far as people ask: how many processors, how much memory."""

import os

import msgspec


class Machine(msgspec.Struct, frozen=True):
    """Processors that this process may use, and bytes of memory."""

    processors: int
    memory: int


def machine() -> Machine:
    """The one that asks."""
    return Machine(len(os.sched_getaffinity(0)), os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
