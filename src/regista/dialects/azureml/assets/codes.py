"""Code: folders that belong to jobs and components, without names of their own.

The SDK asks, before it sends code, for one whose ``hash_sha256`` is that of its folder. Code is found by it only after the
server has computed it from the bytes themselves: nobody runs a stranger's code because the stranger said that it is his.
"""

import hashlib
from collections.abc import Callable, Iterator

from regista.dialects.azureml.assets.addresses import code_uri
from regista.dialects.azureml.assets.origins import origin
from regista.dialects.azureml.assets.translation import Draft, Translation, text_of
from regista.dialects.azureml.assets.view import View
from regista.dialects.azureml.call import Json
from regista.entities.asset import AssetKind, AssetVersion
from regista.entities.digest import Digest
from regista.entities.manifest import Manifest

HASH = "azureml.as:hash_sha256"
"""The tag of a code whose hash is known to be true."""

HASH_VERSION = "202208"
_MOST_BYTES = 64 * 1024 * 1024


def read(view: View, properties: Json, _: AssetVersion | None = None) -> Draft:
    """The content of code, with its hash where that is true."""
    found = origin(view, AssetKind.CODE, text_of(properties, "codeUri"), "codeUri")
    return Draft(origin=found, tags=_proven(view, found.manifest, properties))


def render(view: View, version: AssetVersion) -> Json:
    """The same on the wire."""
    return {"codeUri": code_uri(view, version)}


def is_same(view: View, version: AssetVersion, properties: Json) -> bool:
    """Whether the code that was answered is sent back."""
    return properties.get("codeUri") in {None, code_uri(view, version)}


def content_hash(manifest: Manifest, read_file: Callable[[Digest], Iterator[bytes]]) -> str:
    """The SDK's hash of a folder (version 202208): the number of files; for each, by its path in lower case, ``#path#`` and
    its size; then the bytes of each in the same order."""
    files = sorted(manifest.files, key=lambda entry: entry.path.lower())
    hasher = hashlib.sha256(str(len(files)).encode())
    for entry in files:
        hasher.update(f"#{entry.path}#{entry.size}".encode())
    for entry in files:
        for chunk in read_file(entry.digest):
            hasher.update(chunk)
    return hasher.hexdigest()


def _proven(view: View, manifest: Manifest, properties: Json) -> dict[str, str]:
    told = properties.get("properties")
    claimed = told.get("hash_sha256") if isinstance(told, dict) else None
    if not isinstance(claimed, str) or str(told.get("hash_version")) != HASH_VERSION or manifest.size > _MOST_BYTES:  # type: ignore[union-attr]
        return {}
    contents, scope = view.call.house.contents, view.scope
    true = content_hash(manifest, lambda digest: contents.read(scope, digest))
    return {HASH: true} if true == claimed and manifest.files else {}


CODES = Translation(kind=AssetKind.CODE, read=read, render=render, is_same=is_same, fixed_path=True)
