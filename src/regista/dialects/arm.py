"""Addresses in the manner of Azure Resource Manager that more than one dialect reads or writes.

Files that belong to runs and to what runs made, as azureml-mlflow addresses them:

    azureml://HOST/mlflow/v2.0/SCOPE/experiments/EXPERIMENT/runs/RUN/artifacts/PATH

The client hands EXPERIMENT and RUN back to the history service as they are, and knows no other owner of files than a run:
what is no run's says so in place of the experiment (``~models``, ``~versions``, ``~experiments``).
"""

import re
from urllib.parse import quote

import msgspec

PROVIDER = "Microsoft.MachineLearningServices"

_MARK = "~"
_OWNERS = ("models", "versions", "experiments")
_ANY = "any"
_RESOURCE = re.compile(
    r"/mlflow/(v[12]\.0)/subscriptions/([^/]+)/resourcegroups/([^/]+)"
    rf"/providers/{re.escape(PROVIDER)}/(workspaces|registries)/([^/]+)(?:/(.*))?",
    re.IGNORECASE | re.DOTALL,
)
_FILES = re.compile(r"experiments/([^/]+)/runs/([^/]+)/artifacts(?:/(.*))?", re.DOTALL)


class Resource(msgspec.Struct, frozen=True):
    """A scope in the path of MLflow's door; ``version`` is the door's."""

    version: str
    subscription: str
    resource_group: str
    plural: str
    name: str


def scope_path(subscription: str, group: str, plural: str, name: str) -> str:
    """The path of a workspace or registry, percent-encoded."""
    segments = ("subscriptions", subscription, "resourceGroups", group, "providers", PROVIDER, plural, name)
    return "".join(f"/{quote(segment, safe='')}" for segment in segments)


def files_path(owner: str) -> str:
    """What comes behind the scope's path for the files of *owner*: ``runs/RUN``, ``models/m-…``, ``versions/ID`` or
    ``experiments/NUMBER``."""
    kind, _, name = owner.partition("/")
    return f"/experiments/{_ANY if kind == 'runs' else _MARK + kind}/runs/{quote(name, safe='')}/artifacts"


def owner_of(experiment: str, run: str) -> str:
    """Whose files the two segments mean."""
    kind = experiment.removeprefix(_MARK)
    return f"{kind}/{run}" if experiment.startswith(_MARK) and kind in _OWNERS else f"runs/{run}"


def find_resource(path: str) -> tuple[Resource, str] | None:
    """The scope that a path (not percent-encoded) begins with, and what comes behind it; None for any other path."""
    match = _RESOURCE.fullmatch(path)
    if match is None:
        return None
    version, subscription, group, plural, name, rest = match.groups()
    return Resource(version.lower(), subscription, group, plural.lower(), name), rest or ""


def find_files(path: str) -> tuple[Resource, str, str] | None:
    """The scope of an address of files (its path, not percent-encoded), whose files they are, and the path inside."""
    found = find_resource(path)
    match = _FILES.fullmatch(found[1]) if found else None
    if found is None or match is None:
        return None
    return found[0], owner_of(match[1], match[2]), (match[3] or "").strip("/")
