"""The filter language of MLflow's searches.

    filter      comparison (AND comparison)*
    comparison  key operator literal | key [NOT] IN (text, …) | key IS [NOT] NULL
    key         [entity .] name       a name may stand in backticks or double quotes, and hold dots then and else
    operator    = != < <= > >= LIKE ILIKE RLIKE
    literal     a number, or text in single or double quotes
    order       key [ASC | DESC]

There is no OR and there are no parentheses but those of a list. Words are read without regard to case. ``RLIKE`` is read and
then refused everywhere: a pattern that a stranger wrote may take a regular expression for ever, and MLflow's own server
knows it for traces alone.
"""

import re
from collections.abc import Iterator

import msgspec

from regista.errors import InvalidError

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    | (?P<number>[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?(?![\w.`"]))
    | (?P<text>'(?:[^']|'')*')
    | (?P<name>(?:[\w$]|`[^`]*`|"[^"]*")(?:[\w$./-]|`[^`]*`|"[^"]*")*)
    | (?P<operator><=|>=|!=|<>|=|<|>)
    | (?P<open>\()
    | (?P<close>\))
    | (?P<comma>,)""",
    re.VERBOSE,
)
_MAX = 100_000
_WORDS = {"LIKE", "ILIKE", "RLIKE"}


class Comparison(msgspec.Struct, frozen=True):
    """One comparison as it was written. ``value``: text, a number, a list of texts, or None after ``IS [NOT] NULL``."""

    entity: str
    key: str
    operator: str
    value: "str | float | tuple[str, ...] | None"

    def require(self, operators: frozenset[str]) -> None:
        """Raise ``InvalidError`` unless it compares by one of *operators*."""
        if self.operator not in operators:
            hint = "Consider using LIKE or ILIKE instead." if self.operator == "RLIKE" and "LIKE" in operators else ""
            raise InvalidError(f"Invalid comparator '{self.operator}' not one of '{sorted(operators)}'", hint=hint)


class Token(msgspec.Struct, frozen=True):
    """A piece of the text: which kind of ``_TOKEN`` it is, and as it was written."""

    kind: str
    text: str

    @property
    def word(self) -> str:
        """The keyword that it may be."""
        return self.text.upper() if self.kind == "name" else ""


def parse_filter(text: str) -> list[Comparison]:
    """Read a filter; empty text is one without comparisons. Raise ``InvalidError`` in the words of the protocol."""
    tokens = _Tokens(text)
    found: list[Comparison] = []
    while tokens.peek() is not None:
        if found:
            tokens.keyword("AND")
        found.append(_comparison(tokens))
    return found


def parse_order(text: str) -> tuple[str, str, bool]:
    """Read one key of an order: entity, key and whether it ascends."""
    try:
        tokens = _Tokens(text)
        entity, key = _key(tokens)
        direction = tokens.take()
        rest = tokens.peek()
    except InvalidError:
        raise InvalidError(f"Invalid order_by clause '{text}'. Could not be parsed.") from None
    if rest is not None:
        raise InvalidError(f"Invalid order_by clause '{text}'. Could not be parsed.")
    if direction is not None and direction.word not in {"ASC", "DESC"}:
        raise InvalidError(f"Invalid ordering key in order_by clause '{text}'.")
    return entity, key, direction is None or direction.word == "ASC"


class _Tokens:
    """The tokens of a text, one after the other."""

    def __init__(self, text: str) -> None:
        if len(text) > _MAX:
            raise InvalidError(f"a filter has at most {_MAX:,} characters, this one {len(text):,}")
        self.text = text
        self._tokens = list(_tokens(text))
        self._at = 0

    def peek(self) -> Token | None:
        """The next one, or None at the end."""
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def take(self) -> Token | None:
        """The same, and go on."""
        found = self.peek()
        self._at += 1
        return found

    def keyword(self, word: str) -> None:
        """Go on behind *word*; raise when something else stands there."""
        found = self.take()
        if found is None or found.word != word:
            raise _invalid(found.text if found else self.text)

    def skip(self, word: str) -> bool:
        """Go on behind *word* if it stands there."""
        found = self.peek()
        if found is None or found.word != word:
            return False
        self._at += 1
        return True


def _tokens(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _invalid(text[at : at + 100])
        if match.lastgroup != "space":
            yield Token(str(match.lastgroup), match[0])
        at = match.end()


def _comparison(tokens: _Tokens) -> Comparison:
    entity, key = _key(tokens)
    operator = tokens.take()
    if operator is None:
        raise _invalid(key)
    if operator.word == "IS":
        negated = tokens.skip("NOT")
        tokens.keyword("NULL")
        return Comparison(entity, key, "IS NOT NULL" if negated else "IS NULL", None)
    if operator.word == "NOT":
        tokens.keyword("IN")
        return Comparison(entity, key, "NOT IN", _list(tokens))
    if operator.word == "IN":
        return Comparison(entity, key, "IN", _list(tokens))
    if operator.kind != "operator" and operator.word not in _WORDS:
        raise _invalid(f"{key} {operator.text}")
    value = tokens.take()
    if value is None or value.kind not in {"number", "text", "name"}:
        raise _invalid(f"{key} {operator.text}")
    sign = "!=" if operator.text == "<>" else operator.word or operator.text
    return Comparison(entity, key, sign, _literal(value))


def _key(tokens: _Tokens) -> tuple[str, str]:
    """Entity ("" where none is named) and key: what is before the first dot, and all that is behind it."""
    token = tokens.take()
    if token is None or token.kind != "name" or token.word in {"AND", "OR", "NOT"}:
        raise _invalid(token.text if token else tokens.text)
    if token.text[0] in '`"':
        entity, dot, key = token.text, "", ""
        closing = token.text.index(token.text[0], 1) + 1
        if token.text[closing : closing + 1] == ".":
            entity, dot, key = token.text[:closing], ".", token.text[closing + 1 :]
    else:
        entity, dot, key = token.text.partition(".")
    if dot and not key:
        raise _invalid(token.text)
    return (_bare(entity), _bare(key)) if dot else ("", _bare(entity))


def _bare(name: str) -> str:
    return name[1:-1] if len(name) > 1 and name[0] in '`"' and name[-1] == name[0] else name


def _literal(token: Token) -> str | float:
    if token.kind == "number":
        return _number(token.text)
    if token.kind == "text":
        return token.text[1:-1].replace("''", "'")
    if len(token.text) > 1 and token.text[0] == token.text[-1] == '"' and '"' not in token.text[1:-1]:
        return token.text[1:-1]
    raise InvalidError(
        "Parameter value is either not quoted or unidentified quote types used for string value"
        f" {token.text}. Use either single or double quotes."
    )


def _number(text: str) -> float:
    """Whole numbers stay whole: times and steps have more digits than a float."""
    try:
        return int(text)
    except ValueError:
        return float(text)


def _list(tokens: _Tokens) -> tuple[str, ...]:
    opened = tokens.take()
    values: list[str] = []
    while opened is not None and opened.kind == "open":
        value, after = tokens.take(), tokens.take()
        if value is None or after is None or value.kind not in {"text", "name"} or after.kind not in {"comma", "close"}:
            break
        values.append(str(_literal(value)))
        if after.kind == "comma" and (ahead := tokens.peek()) is not None and ahead.kind == "close":
            after = tokens.take() or after
        if after.kind == "close":
            return tuple(values)
    raise InvalidError(
        "While parsing a list in the query, expected a non-empty list of string values, but got ill-formed list."
    )


def _invalid(clause: str) -> InvalidError:
    return InvalidError(f"Invalid clause(s) in filter string: '{clause[:500]}'")
