"""Reading a mapping field by field, so that every complaint names the place: ``jobs.train.inputs.x: expected a number``.

fields = Fields.of(mapping, where)      bounds checked: size, depth, cycles, control characters
name = fields.text("name")              each read makes its key a known one
fields.ignore("identity")               known elsewhere, without meaning here
fields.done()                           refuses what nobody read, with the nearest known key
"""

import datetime as dt
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from regista.entities.asset import AssetKind
from regista.entities.names import check_name
from regista.entities.reference import is_reference, parse_reference
from regista.errors import InvalidError, RegistaError

MAX_DEPTH = 64
MAX_VALUES = 200_000
MAX_TEXT = 16 * 1024 * 1024
MAX_INTEGER = 2**63
_SHOWN = 300

T = TypeVar("T")


class _Copier:
    """Makes a plain copy of a loaded document. YAML can alias one list a billion times: the budget ends that."""

    def __init__(self, where: str) -> None:
        self._root = where
        self._path: list[str] = []
        self._values = 0
        self._text = 0

    def copy(self, value: object) -> Any:
        self._values += 1
        if self._values > MAX_VALUES or self._text > MAX_TEXT:
            raise InvalidError(f"the document holds more than {MAX_VALUES:,} values or {MAX_TEXT >> 20} MiB of text")
        if len(self._path) > MAX_DEPTH:
            raise self._wrong(f"nested deeper than {MAX_DEPTH} levels, or inside itself")
        if isinstance(value, Mapping):
            return {key: self._below(f".{key}", inner) for key, inner in self._pairs(value)}
        if isinstance(value, list | tuple):
            return [self._below(f"[{index}]", inner) for index, inner in enumerate(value)]
        return self._scalar(value)

    def _below(self, step: str, value: object) -> Any:
        self._path.append(step)
        copied = self.copy(value)
        self._path.pop()
        return copied

    def _pairs(self, mapping: Mapping[object, object]) -> Iterator[tuple[str, object]]:
        for key, value in mapping.items():
            if isinstance(key, bool) or not isinstance(key, str | int):
                raise self._wrong(f"the key {str(key)[:80]!r} is {_named(key)}", hint="Quote it: keys are text.")
            yield str(self._scalar(key)), value

    def _scalar(self, value: object) -> str | int | float | bool | None:
        if isinstance(value, str):
            return self._checked(value)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int) and -MAX_INTEGER <= value < MAX_INTEGER:
            return int(value)
        if isinstance(value, float) and math.isfinite(value):
            return float(value)
        if isinstance(value, dt.date):
            # YAML reads 2024-01-01 as a date; whoever wrote it meant a version, a tag or a text.
            return value.isoformat()
        raise self._wrong(f"{_named(value)} cannot stand in a document", hint="Write it as text, in quotes.")

    def _checked(self, text: str) -> str:
        self._text += len(text)
        if "\0" in text:
            raise self._wrong("a text cannot hold a null byte")
        try:
            text.encode()
        except UnicodeEncodeError as wrong:
            raise self._wrong("the text is not valid Unicode") from wrong
        return str(text)

    def _wrong(self, message: str, *, hint: str = "") -> InvalidError:
        where = f"{self._root}{''.join(self._path)}".removeprefix(".")
        return invalid(where if len(where) <= _SHOWN else f"{where[:_SHOWN]}…", message, hint=hint)


def plain(value: object, where: str = "") -> Any:
    """A copy of *value* made of nothing but mappings with text keys, lists, texts, finite numbers, booleans and None.

    Raise ``InvalidError`` for anything that is too large, too deep, inside itself or of another type."""
    return _Copier(where).copy(value)


def join(where: str, key: str) -> str:
    """The path of *key* below *where*."""
    return f"{where}.{key}" if where else key


def invalid(where: str, message: str, *, hint: str = "") -> InvalidError:
    """The complaint about the place *where*."""
    return InvalidError(f"{where}: {message}" if where else message, hint=hint)


def suggestion(word: str, known: Iterable[str], what: str = "Known") -> str:
    """A hint for a *word* that is not among the *known* ones: the nearest, else all of them."""
    names = sorted(known)
    if near := get_close_matches(word, names, n=1):
        return f"Did you mean {near[0]!r}?"
    return f"{what}: {', '.join(names)}." if names else ""


def located(where: str, check: Callable[[], T]) -> T:
    """What *check* returns; its ``InvalidError`` comes out with the place in front."""
    try:
        return check()
    except InvalidError as wrong:
        raise invalid(where, wrong.message, hint=wrong.hint) from wrong


def placed(where: str, find: Callable[[], T]) -> T:
    """What *find* returns; every error of ours comes out with the place in front."""
    try:
        return located(where, find)
    except RegistaError as wrong:
        if not wrong.message.startswith(where):
            wrong.message = f"{where}: {wrong.message}"
            wrong.args = (wrong.message,)
        raise


def scalar_text(value: object) -> str | None:
    """How a scalar is written as text (``True`` and ``False`` as Azure ML does), or None for anything else."""
    return str(value) if isinstance(value, str | int | float) else None


def _named(value: object) -> str:
    """What a user calls the type of *value*."""
    names = {dict: "a mapping", list: "a list", str: "a text", bool: "a boolean", int: "an integer", float: "a number"}
    return "nothing" if value is None else names.get(type(value), f"a {type(value).__name__}")


class Fields:
    """The fields of one mapping. What is read becomes known; ``done`` refuses the rest. A null counts as not given."""

    def __init__(self, mapping: Mapping[str, Any], where: str, ignored: list[str]) -> None:
        self.where = where
        self.ignored = ignored
        self._mapping = mapping
        self._known = {"$schema"}

    @classmethod
    def of(cls, document: object, where: str = "") -> "Fields":
        """The fields of a whole document, checked by ``plain``."""
        copied = plain(document, where)
        if not isinstance(copied, dict):
            raise invalid(where, f"expected a mapping, found {_named(copied)}")
        return cls(copied, where, [])

    def take(self, key: str) -> Any:
        """Whatever stands under *key*, or None."""
        self._known.add(key)
        return self._mapping.get(key)

    def at(self, key: str) -> str:
        """The path of *key*."""
        return join(self.where, key)

    def wrong(self, key: str, expected: str) -> InvalidError:
        """The complaint that *key* holds something else than *expected*."""
        found = self._mapping.get(key)
        shown = f" {str(found)[:80]!r}" if isinstance(found, str | int | float) else ""
        return invalid(self.at(key), f"expected {expected}, found {_named(found)}{shown}")

    def text(self, key: str, default: str = "", *, required: bool = False) -> str:
        """A text; numbers and booleans are taken as they are written."""
        value = self.take(key)
        if value is None:
            if required:
                raise invalid(self.at(key), "this field is required")
            return default
        if (text := scalar_text(value)) is None or (required and not text):
            raise self.wrong(key, "a text")
        return text

    def name(self, key: str, thing: str, *, required: bool = False) -> str:
        """The name of a *thing*, or "" where it is not given."""
        text = self.text(key, required=required)
        return located(self.at(key), lambda: check_name(thing, text)) if text else ""

    def choice(self, key: str, allowed: Iterable[str], default: str = "") -> str:
        """One of a few words, in any case, as in Azure ML."""
        words, text = tuple(allowed), self.text(key, default).lower()
        if text and text not in words:
            raise invalid(self.at(key), f"{text[:80]!r} is none of {', '.join(words)}", hint=suggestion(text, words))
        return text

    def boolean(self, key: str, *, default: bool = False) -> bool:
        """A boolean, or the word for one."""
        value = self.take(key)
        if value is None:
            return default
        word = str(value).lower()
        if not isinstance(value, bool | str) or word not in {"true", "false"}:
            raise self.wrong(key, "true or false")
        return word == "true"

    def integer(self, key: str, default: int = 0, *, least: int = 0, most: int = MAX_INTEGER - 1) -> int:
        """A whole number within bounds, also when written as text."""
        value = self.take(key)
        if value is None:
            return default
        try:
            number = int(value) if isinstance(value, str | int) and not isinstance(value, bool) else None
        except ValueError:
            number = None
        number = int(value) if isinstance(value, float) and value.is_integer() else number
        if number is None or not least <= number <= most:
            upper = f" to {most}" if most < MAX_INTEGER - 1 else " or more"
            raise self.wrong(key, f"a whole number, {least}{upper}")
        return number

    def texts(self, key: str) -> dict[str, str]:
        """A mapping of text to text; scalars are taken as they are written, null as the empty text."""
        result = {}
        for name, value in self.mapping(key).items():
            text = "" if value is None else scalar_text(value)
            if text is None:
                raise invalid(join(self.at(key), name), f"expected a text, found {_named(value)}")
            result[name] = text
        return result

    def mapping(self, key: str) -> dict[str, Any]:
        """A mapping as it stands; empty where it is not given."""
        value = self.take(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.wrong(key, "a mapping")
        return value

    def items(self, key: str) -> list[Any]:
        """A list as it stands; empty where it is not given."""
        value = self.take(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.wrong(key, "a list")
        return value

    def inner(self, key: str) -> "Fields | None":
        """The fields of the mapping under *key*, or None where there is none."""
        return None if self.take(key) is None else Fields(self.mapping(key), self.at(key), self.ignored)

    def each(self, key: str, thing: str) -> dict[str, Any]:
        """A mapping whose keys name *things* (inputs, outputs, nodes)."""
        found = self.mapping(key)
        for name in found:
            located(join(self.at(key), name[:80]), lambda name=name: check_name(thing, name))  # type: ignore[misc]
        return found

    def reference(self, key: str, kind: AssetKind | None = None, *, required: bool = False) -> str:
        """The text of a reference or of a local path; a reference that can be nothing good is refused here."""
        text = self.text(key, required=required)
        if text and is_reference(text):
            located(self.at(key), lambda: parse_reference(text, kind))
        return text

    def ignore(self, *keys: str) -> None:
        """Accept *keys*, which mean something in Azure ML and nothing here."""
        self.ignored.extend(self.at(key) for key in keys if self.take(key) is not None)

    def done(self) -> None:
        """Refuse every key that was neither read nor ignored."""
        for key in self._mapping:
            if key not in self._known:
                hint = suggestion(key, self._known - {"$schema"}, "Known fields")
                raise invalid(self.at(key[:80]), "there is no such field", hint=hint)
