"""The text of a Dockerfile as instructions, and the shell line of a RUN as commands.

Grammar: the Dockerfile reference (continuations, comments inside them, JSON form, ``--mount`` flags) and, of the shell,
what a list of simple commands needs: quotes, ``&&`` and ``;``. Anything else of the shell is refused, never guessed.
"""

import re
import shlex
from collections.abc import Iterator

import msgspec

from regista.errors import UnsupportedError

_VARIABLE = re.compile(r"\$(?:\{(?P<braced>[A-Za-z_]\w*)\}|(?P<plain>[A-Za-z_]\w*))")
NEEDS_CONTAINER = (
    "Give the packages as a conda file or a pip list, or use a compute with the container runtime (Docker or Podman)."
)


class Instruction(msgspec.Struct, frozen=True):
    """One instruction: the number of its first line, its keyword in capitals, and the rest."""

    line: int
    keyword: str
    rest: str

    def unsupported(self, why: str) -> UnsupportedError:
        """The failure that names this line."""
        return UnsupportedError(
            f"Dockerfile line {self.line}: {self.keyword} needs the container runtime: {why}", hint=NEEDS_CONTAINER
        )


def instructions(text: str) -> Iterator[Instruction]:
    """Yield the instructions of a Dockerfile in order."""
    held, first = "", 0
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            _refuse_other_escape(line, number)
            continue
        first = first if held else number
        if line.endswith("\\"):
            held += line[:-1] + " "
            continue
        yield _instruction(held + line, first)
        held = ""
    if held.strip():
        yield _instruction(held, first)


def _refuse_other_escape(line: str, number: int) -> None:
    if re.match(r"#\s*escape\s*=\s*`", line):
        raise UnsupportedError(f"Dockerfile line {number}: another escape character", hint="Use backslashes.")


def _instruction(text: str, line: int) -> Instruction:
    keyword, _, rest = text.strip().partition(" ")
    return Instruction(line, keyword.upper(), rest.strip())


def expand(text: str, variables: dict[str, str]) -> str:
    """Replace ``$NAME`` and ``${NAME}`` that the Dockerfile itself has set; leave every other one as it is."""
    return _VARIABLE.sub(lambda found: variables.get(found["braced"] or found["plain"], found.group()), text)


def json_form(rest: str) -> list[str] | None:
    """The list of ``["a", "b"]``, or None for the shell form."""
    if not rest.startswith("["):
        return None
    try:
        return msgspec.json.decode(rest, type=list[str])
    except msgspec.DecodeError:
        return None


def commands(run: Instruction, variables: dict[str, str]) -> list[list[str]]:
    """The commands of a RUN as lists of words; raise ``UnsupportedError`` when it is more than a list of commands."""
    shell = _without_flags(run)
    exact = json_form(shell)
    if exact is not None:
        return [exact]
    shell = expand(shell, variables)
    if shell.startswith("<<") or re.search(r"[`$]", shell):
        raise run.unsupported("it uses the shell's own language")
    lexer = shlex.shlex(shell, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        words = list(lexer)
    except ValueError as unbalanced:
        raise run.unsupported("its quotes do not match") from unbalanced
    return [command for command in _split(words, run) if command]


def _split(words: list[str], run: Instruction) -> list[list[str]]:
    found: list[list[str]] = [[]]
    for word in words:
        if word in {"&&", ";"}:
            found.append([])
        elif word and set(word) <= set("();<>|&"):
            raise run.unsupported(f"it uses {word!r}; quote a version such as 'numpy>=1.26'")
        else:
            found[-1].append(word)
    return found


def _without_flags(run: Instruction) -> str:
    rest = run.rest
    while rest.startswith("--"):
        flag, _, rest = rest.partition(" ")
        if not flag.startswith("--mount=type=cache"):
            raise run.unsupported(f"it uses {flag.split('=')[0]}")
        rest = rest.lstrip()
    return rest
