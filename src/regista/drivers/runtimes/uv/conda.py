"""Conda files as requirement lines: names mapped, versions in PEP 440's grammar, channels and builds dropped.

The grammar is conda's MatchSpec: ``[channel::]name [version [build]]``, ``name=version=build``, ``name[version='…']``.
"""

import re
from typing import Any

from regista.drivers.runtimes.uv.draft import Draft, shown
from regista.drivers.runtimes.uv.names import is_python_package, is_tool, pypi_name
from regista.drivers.runtimes.uv.requirement import LONGEST, add_pip_lines
from regista.errors import InvalidError

_SPEC = re.compile(r"(?:\S*::)?(?P<name>[A-Za-z0-9_][A-Za-z0-9._-]*)\s*(?P<rest>[^\[\]]*)(?:\[(?P<keys>[^\[\]]*)\])?")
_CLAUSE = re.compile(
    r"(?P<op>>=|<=|==|!=|~=|>|<|=)?\s*(?P<version>\d[A-Za-z0-9._!+]*?)(?P<star>\.?\*)?(?P<build>\s*=[^=]*|\s+\S+)?"
)
_KEY_VERSION = re.compile(r"""(?:^|,)\s*version\s*=\s*(?:'([^']*)'|"([^"]*)"|([^,'"]*))\s*(?=,|$)""")
_KNOWN = frozenset({"name", "channels", "dependencies", "prefix", "variables", "platforms"})


def add_conda(draft: Draft, conda: object, where: str = "conda file") -> None:
    """Add the packages of a parsed conda file to *draft*."""
    with draft.noting():
        if not isinstance(conda, dict):
            raise InvalidError(f"the {where} is not a mapping", hint="It begins with e.g. 'dependencies:'.")
        _note_unused(draft, conda, where)
        dependencies = conda.get("dependencies")
        if dependencies is None:
            dependencies = []
        if not isinstance(dependencies, list):
            raise InvalidError(f"{where}: 'dependencies' is not a list", hint="Write one '- package' per line.")
        for entry in dependencies:
            with draft.noting():
                _add_entry(draft, entry, where)


def _note_unused(draft: Draft, conda: dict[Any, Any], where: str) -> None:
    unknown = [shown(key) for key in conda if key not in _KNOWN]
    if unknown:
        draft.warn(f"{where}: not understood and left out: {', '.join(unknown[:5])}")
    if conda.get("variables"):
        draft.warn(f"{where}: 'variables' are not set; use the environment's environment_variables")


def _add_entry(draft: Draft, entry: object, where: str) -> None:
    if isinstance(entry, str):
        _add_package(draft, entry.strip(), where)
    elif isinstance(entry, dict) and list(entry) == ["pip"]:
        lines = entry["pip"] if entry["pip"] is not None else []
        if not isinstance(lines, list):
            raise InvalidError(f"{where}: 'pip' is not a list", hint="Write one '- requirement' per line below 'pip:'.")
        add_pip_lines(draft, lines, f"{where}, pip")
    else:
        raise InvalidError(
            f"{where}: {shown(entry)} is not a dependency", hint="A dependency is text, or 'pip:' with a list below it."
        )


def _add_package(draft: Draft, entry: str, where: str) -> None:
    found = _SPEC.fullmatch(" ".join(entry.split())) if len(entry) <= LONGEST else None
    if found is None:
        raise InvalidError(f"{where}: {shown(entry)} is not a conda package", hint="Write e.g. 'numpy=1.26'.")
    name, version = found["name"], found["rest"].strip()
    if found["keys"] is not None:
        keyed = _KEY_VERSION.search(found["keys"])
        version = "".join(keyed.groups("")).strip() if keyed else version
    if is_tool(name):
        return
    if name.lower() == "python":
        draft.python = _python(pep440(version, entry, where)) or draft.python
    elif not is_python_package(name):
        draft.warn(f"{where}: {shown(entry)} is left out: it is no Python package")
    else:
        draft.require(pypi_name(name) + pep440(version, entry, where))


def pep440(version: str, entry: str, where: str) -> str:
    """Conda's version expression as a PEP 440 specifier; raise ``InvalidError`` for what that cannot say."""
    if version in {"", "*", "=*", "==*"}:
        return ""
    if "|" in version:
        raise InvalidError(
            f"{where}: {shown(entry)} offers alternatives", hint="Choose one range, e.g. 'numpy>=1.26,<3'."
        )
    return ",".join(_clause(part.strip(), entry, where) for part in version.split(","))


def _clause(text: str, entry: str, where: str) -> str:
    found = _CLAUSE.fullmatch(text)
    if found is None:
        raise InvalidError(
            f"{where}: {shown(entry)} has a version that is not understood",
            hint="Write e.g. 'numpy=1.26' or 'numpy>=1.26,<3'.",
        )
    operator, version, star, build = found["op"], found["version"].rstrip("."), found["star"], found["build"]
    if operator in {">=", "<=", ">", "<", "~="}:
        return f"{operator}{version}"
    if operator == "!=":
        return f"!={version}{'.*' if star else ''}"
    # A single '=' is a prefix in conda, unless a build follows or the version ends in letters, which admit no prefix.
    prefix = bool(star) or (operator == "=" and not build)
    return f"=={version}{'.*' if prefix and re.fullmatch(r'[0-9.!]+', version) else ''}"


def _python(specifier: str) -> str:
    """``==3.11.*`` as ``3.11`` and ``==3.11.7`` as ``3.11.7``; a range stays what it is."""
    exact = re.fullmatch(r"==([0-9.]+?)(?:\.\*)?", specifier)
    return exact[1] if exact else specifier
