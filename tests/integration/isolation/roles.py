"""What each role is for, in words of this test alone: read off the roles' descriptions, never off the code that checks them.

A *doing* is said of a place; whoever holds it there holds it everywhere below."""

READ = {"see scope", "see assets", "see jobs", "see endpoints", "see resources", "see access"}
WORK = {
    "write assets", "delete assets", "see provenance", "write jobs", "cancel jobs", "job logs", "write endpoints",
    "delete endpoints", "endpoint logs", "endpoint keys", "write resources",
}  # fmt: skip

MAY: dict[str, set[str]] = {
    # See everything and download assets: no logs, no keys, no changes.
    "Reader": READ | {"download"},
    # Use and publish assets, see their provenance in full.
    "Registry User": {"see scope", "see assets", "download", "write assets", "delete assets", "see provenance"},
    # All work inside a workspace: not the workspace itself, nor who may use it.
    "Data Scientist": READ | {"download"} | WORK,
    # Everything but giving access to others.
    "Contributor": READ | {"download"} | WORK | {"write scope", "delete scope"},
    # Everything.
    "Owner": READ
    | {"download"}
    | WORK
    | {"write scope", "delete scope", "give access", "run installation", "read audit"},
    # A custom role: sees everything and publishes, and may not have the bytes of what it sees.
    "Curator": READ | {"write assets"},
}

CUSTOM = {"Curator": ("*/read", "assets/write")}
"""Roles that are not built in, by their patterns."""

WRITERS = ("write assets", "write jobs", "write endpoints")
"""Who may do one of these anywhere in a scope may bring bytes into it."""
