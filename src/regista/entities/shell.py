r"""Writing values into a command line so that each arrives as the one text that it is.

The command line is the user's, trusted as the program that it is; a value is anybody's. ``ShellWriter`` follows the text as
a POSIX shell would and quotes each value for the place where it stands:

    python x.py ${{v}}         plain when it needs nothing, else in single quotes
    '… ${{v}} …'               a single quote in it becomes '\''
    "… ${{v}} …"               a backslash before each of " $ ` \
    "$(cat ${{v}})"            as outside, however deep
    $(( ${{v}} + 1 ))          whole numbers only
    # … ${{v}}                 without its line breaks

Where the writer cannot follow (here-documents, backquotes, text inside ${…}, after a lone $ or backslash), a value is refused
rather than guessed. What a program does with its argument (``eval``, ``sh -c "…"``) is beyond any quoting.
"""

import re

from regista.errors import InvalidError

# No "=": a first word with one would set a variable. No "," and no braces: bash expands {a,b}.
_PLAIN = re.compile(r"[A-Za-z0-9@%+:./_-]+")
_RESERVED = frozenset("if then else elif fi do done case esac while until for in select function time coproc".split())
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SIMPLE_BRACES = re.compile(r"\{[^'\"`$\\{}]*\}")
_SIMPLE_ANSI = re.compile(r"'[^'\\]*'")
_SPECIAL_PARAMETERS = "@*#?-$!0123456789"
_AFTER, _BEFORE = frozenset("=:/"), frozenset("/:;)")
_ELSEWHERE = "Set it in environment_variables and write $NAME in the command, or move the logic into a script."


class ShellWriter:
    """Builds one command line from text (``write``) and values (``insert``), in order."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._frames = ["plain"]
        self._word_starts = True
        self._lost = ""
        self._loose = ""
        """What the last text left open: a lone ``$`` or backslash, or ``name`` for a variable's name."""

    def write(self, text: str) -> None:
        """Add *text* of the command itself."""
        if text:
            self._loose = ""
        position = 0
        while position < len(text):
            end = self._step(text, position)
            self._out.append(text[position:end])
            position = end

    def insert(self, name: str, value: str, *, before: str = "") -> None:
        """Add a *value*, followed by the text *before*; raise ``InvalidError`` where it has no safe place."""
        if "\0" in value:
            raise InvalidError(f"the value of {name} holds a null byte, which no argument can")
        try:
            value.encode()
        except UnicodeEncodeError as wrong:
            raise InvalidError(f"the value of {name} is not valid Unicode") from wrong
        self._refuse(name)
        self._out.append(self._quoted(name, value, before))
        self._word_starts = False
        self._loose = ""

    def finish(self) -> str:
        """The command line."""
        return "".join(self._out)

    def _refuse(self, name: str) -> None:
        reason = self._lost or ("between backquotes; use $(…)" if self._frames[-1] == "`" else "")
        if self._loose in {"$", "\\"}:
            reason = f"directly after {'a lone $' if self._loose == '$' else 'a backslash'}"
        if reason:
            raise InvalidError(f"the value of {name} cannot be put safely {reason}", hint=_ELSEWHERE)

    def _quoted(self, name: str, value: str, before: str) -> str:
        match self._frames[-1]:
            case "'":
                return value.replace("'", "'\\''")
            case '"':
                # A value would lengthen the name in "$name": closing and opening the quotes ends it.
                return ('""' if self._loose == "name" else "") + re.sub(r'([\\"$`])', r"\\\1", value)
            case "#":
                return re.sub(r"[\r\n]", " ", value)
            case "((" | "(+":
                return _number(name, value)
            case _:
                return self._word(value, before)

    def _word(self, value: str, before: str) -> str:
        last = self._out[-1][-1:] if self._out else ""
        alone = (not last or last.isspace() or last in _AFTER) and (
            not before or before[0].isspace() or before[0] in _BEFORE
        )
        # Next to anything else a plain value could change its meaning: ${{n}}>file, $x${{n}}, {${{n}}}.
        if alone and _PLAIN.fullmatch(value) and value not in _RESERVED:
            return value
        return "'" + value.replace("'", "'\\''") + "'"

    def _step(self, text: str, at: int) -> int:
        """Follow one construct from *at*; return where it ends."""
        match self._frames[-1]:
            case "'":
                return self._until(text, at, "'")
            case '"':
                return self._double(text, at)
            case "`":
                return self._backquoted(text, at)
            case "#":
                return self._comment(text, at)
            case "((" | "(+":
                return self._arithmetic(text, at)
            case _:
                return self._unquoted(text, at)

    def _until(self, text: str, at: int, mark: str) -> int:
        end = text.find(mark, at)
        if end < 0:
            return len(text)
        self._frames.pop()
        return end + 1

    def _comment(self, text: str, at: int) -> int:
        end = text.find("\n", at)
        if end < 0:
            return len(text)
        self._frames.pop()
        self._word_starts = True
        return end + 1

    def _unquoted(self, text: str, at: int) -> int:
        char, started = text[at], self._word_starts
        self._word_starts = char in " \t\n;&|()<>"
        if char == "\\":
            return self._escape(text, at, started=started)
        if char in "'\"`":
            self._frames.append(char)
        elif char == "#" and started:
            self._frames.append("#")
        elif char == "$":
            return self._dollar(text, at)
        elif char in "()":
            return self._parenthesis(text, at)
        elif text.startswith("<<", at):
            if not text.startswith("<<<", at):
                self._lost = "in or after a here-document"
            return at + (3 if text.startswith("<<<", at) else 2)
        elif started and "$(" in self._frames and re.match(r"case\b", text[at : at + 5]):
            self._lost = "after a `case` inside $(…)"
        return at + 1

    def _escape(self, text: str, at: int, *, started: bool) -> int:
        if at + 1 == len(text):
            self._loose = "\\"
            return at + 1
        if text[at + 1] == "\n":
            self._word_starts = started  # the shell joins the lines before it looks for words
        return at + 2

    def _parenthesis(self, text: str, at: int) -> int:
        if text[at] == "(":
            arithmetic = text.startswith("((", at)
            self._frames.append("((" if arithmetic else "(")
            return at + (2 if arithmetic else 1)
        if self._frames[-1] in {"(", "$("}:
            self._word_starts = self._frames.pop() == "("
        return at + 1

    def _double(self, text: str, at: int) -> int:
        char = text[at]
        if char == "\\":
            return self._escape(text, at, started=False)
        if char == '"':
            self._frames.pop()
        elif char == "`":
            self._frames.append("`")
        elif char == "$":
            return self._dollar(text, at)
        return at + 1

    def _backquoted(self, text: str, at: int) -> int:
        if text[at] == "\\":
            return self._escape(text, at, started=False)
        if text[at] == "`":
            self._frames.pop()
        return at + 1

    def _arithmetic(self, text: str, at: int) -> int:
        """Between ``((`` and ``))``. It may turn out to be two subshells: whatever is no arithmetic ends the following."""
        char, frame = text[at], self._frames[-1]
        if char == "$":
            return self._dollar(text, at)
        if char == "(":
            self._frames.append("(+")
        elif char == ")":
            self._frames.pop()
            if frame == "((":
                self._word_starts = False
                if not text.startswith("))", at) or text.startswith("#", at + 2):
                    self._lost = "after parentheses that cannot be followed"
                return at + 2
        elif char in "'\"`\\#" or text.startswith(("<<", "case"), at):
            self._lost = "after arithmetic that cannot be followed"
        return at + 1

    def _dollar(self, text: str, at: int) -> int:
        """What follows a ``$``, alike in and out of double quotes."""
        after = at + 1
        if after == len(text):
            self._loose = "$"
            return after
        if text[after] == "(":
            arithmetic = text.startswith("((", after)
            self._frames.append("((" if arithmetic else "$(")
            self._word_starts = True
            return after + (2 if arithmetic else 1)
        if name := _NAME.match(text, after):
            self._loose = "name" if name.end() == len(text) else ""
            return name.end()
        if text[after] in _SPECIAL_PARAMETERS:
            return after + 1
        return self._odd_dollar(text, after)

    def _odd_dollar(self, text: str, after: int) -> int:
        if text[after] == "{":
            if braces := _SIMPLE_BRACES.match(text, after):
                return braces.end()
            self._lost = "in or after ${…} with more than a plain text inside"
        elif text[after] == "[":
            self._lost = "in or after $[…]"
        elif text[after] == "'" and self._frames[-1] != '"':
            if quoted := _SIMPLE_ANSI.match(text, after):
                return quoted.end()
            self._lost = "in or after $'…'"
        return after


def _number(name: str, value: str) -> str:
    if not re.fullmatch(r"-?[0-9]{1,18}", value):
        raise InvalidError(f"the value of {name} stands in arithmetic and is no whole number: {value[:80]!r}")
    return f"({value})" if value.startswith("-") else value
