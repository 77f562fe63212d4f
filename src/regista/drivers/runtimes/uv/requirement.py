"""Requirement lines as pip writes them, checked before uv sees them.

A line comes from whoever may register an environment, and uv would follow it to files (``-r /etc/…``, ``./x``), to other
hosts (``--index-url``) and into the server's variables (``${TOKEN}`` in a URL). Hence a line is taken when it has the form
of PEP 508, and refused otherwise; nothing is passed on unread.
"""

import re
from collections.abc import Iterable, Iterator

from regista.drivers.runtimes.uv.draft import Draft, shown
from regista.drivers.runtimes.uv.names import normal_name
from regista.errors import InvalidError, RegistaError, UnsupportedError

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_CLAUSE = r"(?:===|==|~=|!=|<=|>=|<|>)\s*[A-Za-z0-9.*+!_-]+"
_LINE = re.compile(
    rf"(?P<name>{_NAME})\s*(?:\[\s*(?:{_NAME}(?:\s*,\s*{_NAME})*)?\s*\])?"
    rf"\s*(?:\(\s*(?:{_CLAUSE}(?:\s*,\s*{_CLAUSE})*)?\s*\)|{_CLAUSE}(?:\s*,\s*{_CLAUSE})*\s*,?"
    r"|@\s*(?P<url>https://[A-Za-z0-9._~/:%+-]+\.whl(?:\#sha256=[0-9a-f]{64})?)(?=\s|$))?"
    r"\s*(?:;[A-Za-z0-9_ .'\"<>=!()~+*,-]+)?",
    re.ASCII,
)
_HASH = re.compile(r"\s--hash[= ]\s*(sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})(?=\s|$)")
_SOURCE_CONTROL = re.compile(r"(?:^|@\s*)(?:git|hg|svn|bzr)\+", re.IGNORECASE)
_PATH = re.compile(r"^(?:[./~\\]|file:|[A-Za-z]:\\)|@\s*(?:file:|[./~])|\.(?:whl|zip|tar\.gz|tar\.bz2)$", re.IGNORECASE)
_PYPI = re.compile(r"https://pypi\.org/simple/?")

LONGEST = 32_768
"""Characters of one line: a package with a hundred hashes fits, and no pattern is run over more."""

HARMLESS = frozenset(
    "--no-cache-dir --upgrade -U --quiet -q -qq --verbose -v --no-input --prefer-binary --disable-pip-version-check "
    "--no-warn-script-location --break-system-packages --user --system --force-reinstall --ignore-installed -I "
    "--require-hashes --no-cache --no-python-version-warning --yes -y --no-build-isolation --no-color".split()
)
HARMLESS_WITH_VALUE = frozenset(
    "--timeout --default-timeout --retries --root-user-action --progress-bar --trusted-host --use-feature "
    "--upgrade-strategy --exists-action --python".split()
)
_INDEX = frozenset("-i --index-url --extra-index-url --index --default-index -f --find-links --no-index".split())
_FILE = frozenset("-r --requirement -c --constraint -e --editable".split())


def add_pip_lines(draft: Draft, lines: Iterable[object], where: str) -> None:
    """Add each line of a pip list or file to *draft*; comments and empty lines say nothing."""
    for line in _logical(lines, draft, where):
        with draft.noting():
            add_pip_line(draft, line, where)


def add_pip_line(draft: Draft, line: str, where: str) -> None:
    """Add one requirement or harmless option; raise ``InvalidError`` or ``UnsupportedError`` naming the line."""
    line = " ".join(line.split())
    if len(line) > LONGEST:
        raise InvalidError(f"{where}: {shown(line)} is too long", hint="A requirement is one short line.")
    if line.startswith("-"):
        option, _, value = line.replace("=", " ", 1).partition(" ")
        check_option(draft, option, value.strip(), where)
        return
    hashes = _HASH.findall(line)
    body = _HASH.sub("", line).strip()
    found = _LINE.fullmatch(body)
    if found is None or (found["url"] is None and _PATH.search(body)):  # pip takes x.zip for a file, not for a name
        raise _refusal(line, where)
    if normal_name(found["name"]) != "pip":
        draft.require(" ".join((body.rstrip(","), *(f"--hash={digest}" for digest in hashes))))


def check_option(draft: Draft, option: str, value: str, where: str) -> None:
    """Pass over an option that changes nothing here; raise for one that would (its value may be a secret: unnamed)."""
    if option in HARMLESS or option in HARMLESS_WITH_VALUE:
        return
    if option == "--pre":
        draft.warn(f"{where}: --pre is not used; name the pre-release itself, e.g. package==2.0rc1")
    elif option in {"--only-binary", "--no-binary"}:
        draft.warn(f"{where}: {option} is not used; whether packages are built from source is a setting of the server")
    elif option in {"-i", "--index-url", "--default-index"} and _PYPI.fullmatch(value):
        return
    elif option in _INDEX:
        raise UnsupportedError(
            f"{where}: {option} is not taken from an environment",
            hint="Set UV_DEFAULT_INDEX or UV_INDEX where the server runs: every environment then uses that index.",
        )
    elif option in _FILE:
        raise UnsupportedError(
            f"{where}: {shown(f'{option} {value}')} names a file that is not part of the environment",
            hint="Write the lines of the file into the environment, and put your own code into the job's code.",
        )
    else:
        raise InvalidError(f"{where}: the option {shown(option)} is not understood", hint="Leave it out.")


def _refusal(line: str, where: str) -> RegistaError:
    """Why *line* is not taken, in the order in which an author would want to know."""
    said = f"{where}: {shown(line)}"
    if "${" in line:
        return InvalidError(f"{said} uses a variable", hint="Write the value itself; never a secret.")
    if _SOURCE_CONTROL.search(line):
        return UnsupportedError(
            f"{said} is a source repository", hint="Build a wheel of it and put it on your package index."
        )
    if "://" in line and not line.lower().startswith("file:") and "@ file:" not in line:
        return UnsupportedError(
            f"{said} is a URL this runtime does not install from",
            hint="Use 'name @ https://host/file.whl' without credentials, or a package index.",
        )
    if _PATH.search(line):
        return UnsupportedError(
            f"{said} is a path on the author's machine", hint="Put the package on an index, or its files into the code."
        )
    return InvalidError(f"{said} is not a requirement", hint="Write e.g. 'numpy', 'numpy==2.1.3' or 'numpy>=1.26,<3'.")


def _logical(lines: Iterable[object], draft: Draft, where: str) -> Iterator[str]:
    """Lines with continuations joined and comments removed; a line that is not text becomes a failure."""
    held = ""
    for raw in lines:
        if not isinstance(raw, str):
            draft.failures.append(InvalidError(f"{where}: {shown(raw)} is not a line of text", hint="Quote it."))
            continue
        for piece in raw.splitlines():
            held += piece
            if held.endswith("\\"):
                held = held[:-1] + " "
                continue
            yield from _bare(held)
            held = ""
    yield from _bare(held)


def _bare(line: str) -> Iterator[str]:
    text = re.sub(r"(^|\s)#.*$", "", line).strip()
    if text:
        yield text
