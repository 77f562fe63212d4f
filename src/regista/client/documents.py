"""The YAML and JSON files that people write: assets, jobs, endpoints.

    document = load_document(Path("job.yml"))
    document = apply_overrides(document, ["inputs.epochs=5", "tags.owner=ml"])

What a value means is in ``plain_yaml``; JSON is read as the YAML that it is, so that both have the same rules.
"""

import codecs
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from regista.client.plain_yaml import copy_tree, read_scalar, read_yaml
from regista.errors import InvalidError

MAX_BYTES = 4 * 1024 * 1024

_SURROGATES = re.compile(r"(\\\\)|\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")


def load_document(path: Path) -> dict[str, Any]:
    """Return the mapping in the file *path*; raise ``InvalidError`` naming file, line and column of what is wrong."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise InvalidError(f"there is no file {str(path)!r}") from None
    except IsADirectoryError:
        raise InvalidError(f"{str(path)!r} is a folder, not a YAML file") from None
    except (OSError, ValueError) as wrong:
        raise InvalidError(f"{str(path)!r} cannot be read: {getattr(wrong, 'strerror', None) or wrong}") from None
    return parse_document(content, str(path))


def parse_document(content: bytes, name: str) -> dict[str, Any]:
    """Return the mapping in *content*; errors speak of it as *name*."""
    if len(content) > MAX_BYTES:
        raise InvalidError(f"{name}:1:1: the document is larger than {MAX_BYTES // 2**20} MiB")
    text = _decode(content, name)
    if text.lstrip()[:1] == "{":
        # JSON writes characters beyond 16 bits as two escapes, which YAML does not know.
        text = _SURROGATES.sub(_join_surrogates, text)
    document = read_yaml(text, name)
    if not isinstance(document, dict):
        raise InvalidError(f"{name}:1:1: the document is not a mapping of keys to values", hint="Write `key: value`.")
    return document


def apply_overrides(document: dict[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    r"""Return a copy of *document* in which each ``path=value`` is set; the later wins, *document* stays as it is.

    A path is keys between dots (``\.`` is a dot inside a key), with ``[0]`` or ``.0`` for an item of a list; mappings
    on the way are made. A value reads like a plain YAML scalar; in quotes, brackets or braces it is YAML.
    """
    result: dict[str, Any] = copy_tree(document)
    for override in overrides:
        path, sign, text = override.partition("=")
        keys = [part.replace("\\.", ".") for part in re.split(r"(?<!\\)\.", re.sub(r"\[(\d+)\]", r".\1", path.strip()))]
        if not sign or not all(keys):
            raise InvalidError(f"{override[:100]!r} is not of the form path=value", hint="For example: inputs.epochs=5")
        _set(result, keys, _value(keys[-1], text, override), override)
    return result


def _decode(content: bytes, name: str) -> str:
    # Windows PowerShell redirects into UTF-16; YAML allows it where the mark at the beginning says so.
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as wrong:
        before = content[: wrong.start]
        line, column = before.count(b"\n") + 1, wrong.start - before.rfind(b"\n")
        raise InvalidError(f"{name}:{line}:{column}: the file is not UTF-8 text", hint="Save it as UTF-8.") from None


def _join_surrogates(found: re.Match[str]) -> str:
    if found[1]:
        return found[1]
    return chr(0x10000 + ((int(found[2], 16) - 0xD800) << 10) + int(found[3], 16) - 0xDC00)


def _value(key: str, text: str, override: str) -> object:
    if text[:1] in {"{", "[", '"', "'"}:
        return read_yaml(text, f"--set {override[:60]}")
    try:
        value = read_scalar(text.strip())
    except ValueError as wrong:
        raise InvalidError(
            f"--set {override[:100]}: {wrong}", hint="Put quotes around it where text is meant."
        ) from None
    if isinstance(value, str) or (key == "version" and value is not None):
        return text
    return "" if not text else value


def _set(target: Any, keys: list[str], value: object, override: str) -> None:
    for depth, key in enumerate(keys):
        last = depth == len(keys) - 1
        if isinstance(target, list):
            if not key.isdecimal() or int(key) >= len(target):
                raise InvalidError(f"--set {override[:100]}: the list has {len(target)} items and no item {key[:40]!r}")
            index: Any = int(key)
        elif isinstance(target, dict):
            index = key
            if not last and target.get(key) is None:
                target[key] = {}
        else:
            place = ".".join(keys[:depth])
            raise InvalidError(f"--set {override[:100]}: {place!r} is a single value and has nothing inside")
        if last:
            target[index] = value
        else:
            target = target[index]
