"""What may be a name, in one place, and the identifiers that Regista makes itself."""

import re
import secrets
import time
from collections.abc import Mapping

from regista.errors import InvalidError

_ASSET = (
    r"[A-Za-z0-9_](?:[A-Za-z0-9._ -]{0,253}[A-Za-z0-9._-])?",
    "1 to 255 letters, digits, '.', '_', '-' or inner spaces",
)
_VERSION = (r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,127}", "1 to 128 letters, digits, '.', '_', '+' or '-'")
_WORKSPACE = (r"[A-Za-z0-9][A-Za-z0-9_-]{1,32}", "2 to 33 letters, digits, '_' or '-'")
_REGISTRY = (r"[A-Za-z0-9][A-Za-z0-9_-]{1,31}", "2 to 32 letters, digits, '_' or '-'")
_GROUP = (r"[A-Za-z0-9_][A-Za-z0-9_.()-]{0,89}", "1 to 90 letters, digits, '_', '.', '-' or parentheses")
_REGION = (r"[a-z0-9][a-z0-9-]{0,62}", "1 to 63 lower-case letters, digits or '-'")
_JOB = (r"[A-Za-z0-9_][A-Za-z0-9_-]{0,254}", "1 to 255 letters, digits, '_' or '-'")
_ENDPOINT = (r"[A-Za-z][A-Za-z0-9-]{1,31}", "2 to 32 letters, digits or '-', beginning with a letter")
_FIELD = (r"[A-Za-z_][A-Za-z0-9_]{0,254}", "letters, digits and '_', not beginning with a digit")
_ALIAS = (r"[A-Za-z0-9_-]{1,255}", "1 to 255 letters, digits, '_' or '-'")
_PRINCIPAL = (r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,127}", "1 to 128 letters, digits, '.', '_', '@', '+' or '-'")

RULES: Mapping[str, tuple[str, str]] = {
    "model": _ASSET,
    "environment": _ASSET,
    "component": _ASSET,
    "data": _ASSET,
    "code": _ASSET,
    "version": _VERSION,
    "workspace": _WORKSPACE,
    "registry": _REGISTRY,
    "subscription": _GROUP,
    "resource group": _GROUP,
    "store": _REGION,
    "region": _REGION,
    "job": _JOB,
    "node": _FIELD,
    "input": _FIELD,
    "output": _FIELD,
    "compute": _JOB,
    "datastore": _JOB,
    "connection": _JOB,
    "endpoint": _ENDPOINT,
    "deployment": _ENDPOINT,
    "alias": _ALIAS,
    "principal": _PRINCIPAL,
    "role": _ASSET,
    "key": _ASSET,
}
"""For each thing that has a name: the pattern it matches whole, and the same in words."""

_COMPILED = {thing: re.compile(pattern) for thing, (pattern, _) in RULES.items()}


def check_name(thing: str, name: object) -> str:
    """Return *name* when it may name a *thing* (a key of ``RULES``); raise ``InvalidError`` with the rule otherwise."""
    if isinstance(name, str) and _COMPILED[thing].fullmatch(name):
        return name
    article = "an" if thing[0] in "aeio" else "a"
    raise InvalidError(
        f"{str(name)[:100]!r} cannot name {article} {thing}",
        hint=f"{article.capitalize()} {thing} name is {RULES[thing][1]}.",
    )


def check_version(version: str) -> str:
    """Return *version* when an asset version may be called so; ``latest`` is a label, never a version."""
    if version.lower() == "latest":
        raise InvalidError("'latest' is a label, not a version", hint="Leave the version out to get the next number.")
    return check_name("version", version)


def check_alias(alias: str) -> str:
    """Return *alias* when it may be set; ``latest`` and ``v<digits>`` are reserved, as in MLflow."""
    if alias.lower() == "latest" or re.fullmatch(r"[vV]\d+", alias):
        raise InvalidError(
            f"the alias {alias!r} is reserved", hint="'latest' always names the newest version by itself."
        )
    return check_name("alias", alias)


def check_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return *tags* as text to text; raise ``InvalidError`` for an empty or over-long key or value."""
    for key, value in tags.items():
        if not key or len(key) > 255 or len(str(value)) > 100_000:
            raise InvalidError(
                f"the tag {key[:80]!r} is empty or too long",
                hint="Keys have 1 to 255 characters, values at most 100,000.",
            )
    return {key: str(value) for key, value in tags.items()}


def new_id() -> str:
    """A new identifier: 32 hexadecimal digits that sort by the time of their making (milliseconds) and are never guessed."""
    return f"{now():012x}{secrets.token_hex(10)}"


def now() -> int:
    """The time, in milliseconds since 1970 (UTC): the unit of every time in the catalog."""
    return time.time_ns() // 1_000_000
