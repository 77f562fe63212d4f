"""Reading YAML from people one does not trust.

The grammar is libyaml's; what a value means is decided here, after the core schema of YAML 1.2.2 (section 10.3),
because the YAML 1.1 rules of most readers surprise:

    yes no on off y n        text (1.1: booleans; `on:` as a key became True)
    012  1_000  1:30:00      text (1.1: 10, 1000, 5400); an octal number is 0o12, a hexadecimal one 0x0a
    1e-3                     the number 0.001 (1.1 as PyYAML reads it: text)
    2026-01-31               text (1.1: a date)
    .inf .nan 1e999 2**64    refused: no JSON can carry them; quote them where text is meant
    version: 1.10            text wherever the key is `version`: as a number it would be version 1.1
    1: x                     keys are text exactly as written

Tags other than YAML's own seven (`!!str`, `!!int`, …) are refused. Anchors, aliases and merge keys (`<<`) work within
the bounds below; every alias becomes a copy, so that the result is a tree.
"""

import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn

from regista.errors import InvalidError

MAX_DEPTH = 50
MAX_WEIGHT = 8 * 1024 * 1024
"""Characters of the document after its aliases are expanded: what a billion laughs runs into."""
_VALUE_WEIGHT = 4

_CORE = "tag:yaml.org,2002:"
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_KINDS = {"str": str, "int": int, "float": float, "bool": bool, "null": type(None)}


def read_yaml(text: str, name: str) -> object:
    """Return the one value in *text*; raise ``InvalidError`` beginning with *name*:line:column for anything else."""
    return _Reader(text, name).document()


def read_scalar(text: str) -> object:
    """What *text* means as a plain (unquoted) YAML scalar; raise ``ValueError`` for a number that JSON cannot carry."""
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text) or _NOT_FINITE.fullmatch(text):
        number = math.inf if "n" in text.lower() else float(text)
        if not math.isfinite(number):
            raise ValueError(f"{text[:40]} is not a finite number")
        return number
    return text


def _integer(text: str) -> int:
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    number = int(text, base) if len(text) <= 64 else 2**64
    if not -(2**63) <= number < 2**64:
        raise ValueError(f"{text[:40]} does not fit into 64 bits")
    return number


class _Node(NamedTuple):
    """A value, what it weighs against ``MAX_WEIGHT``, and how many levels it has."""

    value: object
    weight: int
    height: int


class _Reader:
    """Builds the value out of libyaml's events, so that every bound holds before the memory is spent."""

    def __init__(self, text: str, name: str) -> None:
        import yaml

        self._yaml = yaml
        self._name = name
        self._text = text
        self._left = MAX_WEIGHT
        self._anchors: dict[str, _Node | None] = {}
        # The pure-Python loader speaks the same events; it stands in where PyYAML was built without libyaml.
        self._events: Iterator[Any] = yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))

    def document(self) -> object:
        yaml = self._yaml
        self._next()
        start = self._next()
        if isinstance(start, yaml.StreamEndEvent):
            raise InvalidError(f"{self._name}:1:1: the document is empty")
        value = self._node(self._next(), 1).value
        self._next()
        extra = self._next()
        if not isinstance(extra, yaml.StreamEndEvent):
            self._refuse(extra, "a second document begins here", "One file holds one document.")
        return value

    def _next(self) -> Any:
        try:
            return next(self._events)
        except self._yaml.reader.ReaderError as wrong:
            # libyaml counts bytes, PyYAML's own reader characters.
            in_bytes = self._text.encode()[: wrong.position].decode(errors="replace")
            before = self._text[: wrong.position] if wrong.encoding == "unicode" else in_bytes
            line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
            raise InvalidError(f"{self._name}:{line}:{column}: {wrong.reason}") from None
        except self._yaml.MarkedYAMLError as wrong:
            mark = wrong.problem_mark or wrong.context_mark
            where = f"{self._name}:{mark.line + 1}:{mark.column + 1}" if mark else self._name
            hint = "YAML indents with spaces, never with tabs." if "\t" in self._text else ""
            raise InvalidError(f"{where}: {wrong.problem or wrong.context}", hint=hint) from None

    def _refuse(self, event: Any, problem: str, hint: str = "") -> NoReturn:
        mark = event.start_mark
        raise InvalidError(f"{self._name}:{mark.line + 1}:{mark.column + 1}: {problem}", hint=hint)

    def _spend(self, event: Any, weight: int) -> None:
        self._left -= weight
        if self._left < 0:
            self._refuse(event, "the document grows too large here", "Use fewer aliases, or split the document.")

    def _node(self, event: Any, depth: int, *, as_text: bool = False) -> _Node:
        yaml = self._yaml
        if depth > MAX_DEPTH:
            self._refuse(event, f"values are nested more than {MAX_DEPTH} deep")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            node = self._scalar(event, as_text=as_text)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(event, depth)
        else:
            node = self._mapping(event, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: Any, depth: int) -> _Node:
        if event.anchor not in self._anchors:
            self._refuse(event, f"the alias *{event.anchor[:80]} names no anchor above it")
        known = self._anchors[event.anchor]
        if known is None:
            self._refuse(event, f"the alias *{event.anchor[:80]} stands inside its own anchor")
        if depth + known.height - 1 > MAX_DEPTH:
            self._refuse(event, f"values are nested more than {MAX_DEPTH} deep")
        self._spend(event, known.weight)
        return known._replace(value=copy_tree(known.value))

    def _scalar(self, event: Any, *, as_text: bool) -> _Node:
        weight = _VALUE_WEIGHT + len(event.value)
        self._spend(event, weight)
        kind = self._kind(event, _KINDS)
        if kind == "str" or (kind is None and not event.implicit[0]):
            return _Node(event.value, weight, 1)
        try:
            value = read_scalar(event.value)
        except ValueError as wrong:
            self._refuse(event, str(wrong), "Put quotes around it where text is meant.")
        if as_text and kind is None and value is not None:
            value = event.value
        if kind == "float" and type(value) is int:
            value = float(value)
        if kind is not None and type(value) is not _KINDS[kind]:
            self._refuse(event, f"{event.value[:40]!r} is not of the type that its tag !!{kind} says")
        return _Node(value, weight, 1)

    def _kind(self, event: Any, allowed: Any) -> str | None:
        """The name of an explicit tag, None without one; refuse every tag that is not plain YAML."""
        if event.tag is None:
            return None
        if event.tag == "!":
            return "str" if "str" in allowed else None
        kind = str(event.tag).removeprefix(_CORE)
        if kind not in allowed:
            self._refuse(event, f"the tag {event.tag[:80]!r} is not allowed", "Documents hold plain values only.")
        return kind

    def _sequence(self, event: Any, depth: int) -> _Node:
        self._kind(event, {"seq"})
        self._spend(event, _VALUE_WEIGHT)
        values: list[object] = []
        weight, height = _VALUE_WEIGHT, 0
        while not isinstance(item := self._next(), self._yaml.SequenceEndEvent):
            node = self._node(item, depth + 1)
            values.append(node.value)
            weight, height = weight + node.weight, max(height, node.height)
        return _Node(values, weight, height + 1)

    def _mapping(self, event: Any, depth: int) -> _Node:
        self._kind(event, {"map"})
        self._spend(event, _VALUE_WEIGHT)
        values: dict[str, object] = {}
        merged: list[dict[str, object]] = []
        weight, height = _VALUE_WEIGHT, 0
        while not isinstance(at := self._next(), self._yaml.MappingEndEvent):
            key = self._key(at)
            item = self._next()
            node = self._node(item, depth + 1, as_text=key == "version")
            if key == "<<" and getattr(at, "implicit", (False,))[0]:
                merged += self._merge(item, node.value)
            elif key in values:
                self._refuse(at, f"the key {key[:80]!r} is there twice", "Keep one of the two.")
            else:
                values[key] = node.value
            weight, height = weight + len(key) + node.weight, max(height, node.height)
        for other in merged:
            values = {**other, **values}
        return _Node(values, weight, height + 1)

    def _key(self, event: Any) -> str:
        key = self._alias(event, 1).value if isinstance(event, self._yaml.AliasEvent) else getattr(event, "value", None)
        if not isinstance(key, str):
            self._refuse(event, "a key is text, not a list or a mapping")
        self._spend(event, len(key))
        if isinstance(event, self._yaml.ScalarEvent):
            self._kind(event, _KINDS)
            if event.anchor is not None:
                self._anchors[event.anchor] = _Node(key, _VALUE_WEIGHT + len(key), 1)
        return key

    def _merge(self, event: Any, value: object) -> list[dict[str, object]]:
        sources: list[Any] = value if isinstance(value, list) else [value]
        if not all(isinstance(source, dict) for source in sources):
            self._refuse(event, "the merge key << takes a mapping or a list of mappings")
        return sources


def copy_tree(value: object) -> Any:
    """A copy of mappings and lists all the way down; scalars are shared."""
    if isinstance(value, dict):
        return {key: copy_tree(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copy_tree(item) for item in value]
    return value
