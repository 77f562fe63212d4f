"""Durations as ISO 8601 writes them (``PT5S``, ``PT0.5S``, ``P1DT2H``), as far as days: months have no one length."""

import re

from regista.errors import InvalidError

_FORM = re.compile(r"P(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(?:\.(\d{1,9}))?S)?)?", re.ASCII)


def milliseconds(text: object, what: str) -> int | None:
    """The length of *what*; None for none. Raise ``InvalidError`` for what is no duration."""
    if text is None:
        return None
    match = _FORM.fullmatch(text) if isinstance(text, str) else None
    if match is None or not any(match.groups()):
        raise InvalidError(f"{what}: {str(text)[:40]!r} is no duration", hint="Such as PT5S.")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[:4])
    fraction = int((match[5] or "").ljust(3, "0")[:3] or 0)
    return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000 + fraction


def seconds(text: object, what: str) -> int | None:
    """The same in whole seconds, rounded up: nothing that is asked for becomes none."""
    length = milliseconds(text, what)
    return None if length is None else -(-length // 1000)


def duration(length: int) -> str:
    """A length in milliseconds, written."""
    whole, part = divmod(length, 1000)
    return f"PT{whole}.{part:03d}".rstrip("0") + "S" if part else f"PT{whole}S"
