"""Exceptions to a rule: named, with a reason, and gone as soon as they are not needed."""

from collections.abc import Mapping


def judged(violations: Mapping[str, str], exceptions: Mapping[str, str]) -> list[str]:
    """What is left to mend: violations that nobody excused, and excuses for what no longer offends."""
    offending = [f"{where}: {what}" for where, what in violations.items() if where not in exceptions]
    stale = [f"{where}: keeps the rule now; take it off the list" for where in exceptions if where not in violations]
    silent = [f"{where}: an exception needs a reason" for where, reason in exceptions.items() if not reason.strip()]
    return sorted(offending + stale + silent)
