"""Dockerfiles that only install Python packages, understood as those packages.

Understood: FROM, ARG, ENV, WORKDIR, LABEL, COPY of requirements and conda files, RUN of pip and conda (and tidying up
after them). Every other instruction changes the system around Python and is refused by line: guessing what it
would have done would give an environment that fails later, in the job.
"""

import posixpath
import re
import shlex
from collections.abc import Callable
from typing import ClassVar

import yaml

from regista.drivers.runtimes.uv.conda import add_conda
from regista.drivers.runtimes.uv.draft import Draft, shown
from regista.drivers.runtimes.uv.instructions import Instruction, commands, expand, instructions, json_form
from regista.drivers.runtimes.uv.requirement import (
    HARMLESS_WITH_VALUE,
    add_pip_line,
    add_pip_lines,
    check_option,
)
from regista.errors import InvalidError

AddBase = Callable[[Draft, str], bool]
"""Adds what an image is known to contain; says whether it is known."""

_PYTHON_IMAGE = re.compile(r"(?:^|/)python:(\d+\.\d+(?:\.\d+)?)(?:$|-)")
_OFFICIAL = re.compile(
    r"(?:docker\.io/)?(?:library/)?python(?::(?:\d+(?:\.\d+){0,2}|latest|slim|bookworm|bullseye|trixie)(?:-[\w.-]+)?)?"
)
"""Docker's own images of Python: an interpreter, and no package beside it."""
_IGNORED = frozenset({"LABEL", "MAINTAINER", "EXPOSE", "CMD", "SHELL", "STOPSIGNAL", "USER", "HEALTHCHECK"})
_TIDYING = (
    ("rm",),
    ("true",),
    ("mkdir",),
    ("pip", "cache"),
    ("conda", "clean"),
    ("conda", "init"),
    ("conda", "config"),
)


def add_dockerfile(draft: Draft, text: str, files: dict[str, str], add_base: AddBase) -> None:
    """Add the packages that *text* installs to *draft*; *files* are the text files of its build context by path."""
    reading = _Reading(draft, files, add_base)
    with draft.noting():
        for instruction in instructions(text):
            with draft.noting():
                reading.follow(instruction)
        if not reading.stages:
            raise InvalidError("the Dockerfile has no FROM", hint="Its first instruction is 'FROM image'.")


class _Reading:
    """The state a Dockerfile builds up: its variables, its working directory and the files copied so far."""

    def __init__(self, draft: Draft, files: dict[str, str], add_base: AddBase) -> None:
        self._draft = draft
        self._context = {posixpath.normpath(path.lstrip("/")): content for path, content in files.items()}
        self._add_base = add_base
        self._copied: dict[str, str] = {}
        self._variables: dict[str, str] = {}
        self._directory = "/"
        self.stages = 0

    def follow(self, instruction: Instruction) -> None:
        """Take over what *instruction* does; raise when that is more than installing packages."""
        if instruction.keyword in _IGNORED:
            return
        step = self._STEPS.get(instruction.keyword)
        if step is None:
            raise instruction.unsupported("it changes more than Python packages")
        step(self, instruction)

    def _from(self, instruction: Instruction) -> None:
        self.stages += 1
        if self.stages > 1:
            raise instruction.unsupported("there is more than one stage")
        words = [word for word in expand(instruction.rest, self._variables).split() if not word.startswith("--")]
        image = words[0] if words else ""
        add_image(self._draft, image, self._add_base)

    def _variable(self, instruction: Instruction) -> None:
        rest = expand(instruction.rest, self._variables)
        try:
            words = shlex.split(rest)
        except ValueError as unbalanced:
            raise instruction.unsupported("its quotes do not match") from unbalanced
        if words and "=" not in words[0]:
            words = [f"{words[0]}={' '.join(words[1:])}"] if words[1:] else []
        pairs = dict(word.split("=", 1) for word in words if "=" in word)
        self._variables |= pairs
        if instruction.keyword == "ENV" and pairs:
            names = ", ".join(sorted(pairs))
            self._draft.warn(f"Dockerfile: ENV {names} is not set; use the environment's environment_variables")

    def _workdir(self, instruction: Instruction) -> None:
        self._directory = posixpath.join(self._directory, expand(instruction.rest, self._variables))

    def _copy(self, instruction: Instruction) -> None:
        rest = expand(instruction.rest, self._variables)
        words = json_form(rest) or [word for word in rest.split() if not word.startswith(("--chown=", "--chmod="))]
        if len(words) < 2 or any(word.startswith("--") for word in words):
            raise instruction.unsupported("it copies from elsewhere than the build context")
        *sources, target = words
        into_folder = target.endswith(("/", "/.", "/..")) or target in {".", ".."} or len(sources) > 1
        for source in sources:
            content = self._context.get(posixpath.normpath(source.lstrip("/")))
            if content is None:
                raise instruction.unsupported(
                    f"{shown(source)} is not among the requirements and conda files of the build context"
                )
            self._copied[self._path(posixpath.join(target, posixpath.basename(source)) if into_folder else target)] = (
                content
            )

    def _run(self, instruction: Instruction) -> None:
        for command in commands(instruction, self._variables):
            with self._draft.noting():
                self._command(_plain(command), instruction)

    def _command(self, words: list[str], instruction: Instruction) -> None:
        if any(tuple(words[: len(start)]) == start for start in _TIDYING):
            return
        where = f"Dockerfile line {instruction.line}"
        if words[:2] == ["pip", "install"]:
            self._pip(words[2:], where, instruction)
        elif words[:1] == ["conda"]:
            self._conda(words[1:], where, instruction)
        else:
            raise instruction.unsupported(f"it runs {shown(words[0])}")

    def _pip(self, words: list[str], where: str, instruction: Instruction) -> None:
        rest = iter(words)
        for word in rest:
            option, joined, value = word.partition("=")
            if option in {"-r", "--requirement"}:
                path = value if joined else next(rest, "")
                add_pip_lines(self._draft, self._read(path, instruction).splitlines(), path)
            elif word.startswith("-"):
                takes_value = not joined and (option in HARMLESS_WITH_VALUE or option in {"-i", "--index-url"})
                check_option(self._draft, option, next(rest, "") if takes_value else value, where)
            else:
                with self._draft.noting():
                    add_pip_line(self._draft, word, where)

    def _conda(self, words: list[str], where: str, instruction: Instruction) -> None:
        arguments = words[2:] if words[:1] == ["env"] else words[1:]
        verb = " ".join(words[:2] if words[:1] == ["env"] else words[:1])
        files, packages = _conda_arguments(arguments)
        if verb not in {"env create", "env update", "install", "create"}:
            raise instruction.unsupported(f"it runs {shown('conda ' + verb)}")
        for path in files:
            add_conda(self._draft, self._yaml(path, instruction), path)
        add_conda(self._draft, {"dependencies": packages}, where)

    def _yaml(self, path: str, instruction: Instruction) -> object:
        try:
            return yaml.safe_load(self._read(path, instruction))
        except (yaml.YAMLError, ValueError, RecursionError) as broken:
            raise InvalidError(f"{path} is not YAML", hint="Check its indentation.") from broken

    def _read(self, path: str, instruction: Instruction) -> str:
        content = self._copied.get(self._path(path))
        if content is None:
            raise instruction.unsupported(f"{shown(path)} was not copied from the build context before")
        return content

    def _path(self, path: str) -> str:
        return posixpath.normpath(posixpath.join(self._directory, path))

    _STEPS: ClassVar[dict[str, Callable[["_Reading", Instruction], None]]] = {
        "FROM": _from,
        "ARG": _variable,
        "ENV": _variable,
        "WORKDIR": _workdir,
        "COPY": _copy,
        "ADD": _copy,
        "RUN": _run,
    }


def add_image(draft: Draft, image: str, add_base: AddBase) -> None:
    """Take an image as the ground the packages lie upon: its Python version and known contents count, the rest does not."""
    if add_base(draft, image):
        return
    python = _PYTHON_IMAGE.search(image)
    if python:
        draft.python = python[1]
    draft.warn(f"image {shown(image)} is not used by the uv runtime: packages come from the package index")


def is_python_image(image: str) -> bool:
    """Whether *image* is known to contain Python and no packages."""
    return _OFFICIAL.fullmatch(image) is not None


def _plain(words: list[str]) -> list[str]:
    """The command in its short form: ``/opt/conda/bin/python -m pip`` and ``uv pip`` are ``pip``, ``mamba`` is ``conda``."""
    program = posixpath.basename(words[0])
    if re.fullmatch(r"python[0-9.]*", program) and words[1:3] == ["-m", "pip"]:
        return ["pip", *words[3:]]
    if program == "uv" and words[1:2] == ["pip"]:
        return ["pip", *words[2:]]
    if re.fullmatch(r"pip[0-9.]*", program):
        return ["pip", *words[1:]]
    return ["conda" if program in {"conda", "mamba", "micromamba"} else program, *words[1:]]


def _conda_arguments(words: list[str]) -> tuple[list[str], list[str]]:
    """The files and the packages among the arguments of a conda command; names, prefixes and channels are passed over."""
    files, packages = [], []
    rest = iter(words)
    for word in rest:
        option, joined, value = word.partition("=")
        if option in {"-f", "--file"}:
            files.append(value if joined else next(rest, ""))
        elif option in {"-n", "--name", "-p", "--prefix", "-c", "--channel", "--solver"}:
            if not joined:
                next(rest, "")
        elif not word.startswith("-"):
            packages.append(word)
    return files, packages
