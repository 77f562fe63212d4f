"""Compares the help texts shown in README.md with what the program really prints.

A block is checked when its fence says so; it may hold several commands, each with what it prints:

    ```console help
    $ regista model create --help
    Usage: regista model create [OPTIONS]
    ...
    ```

``python -m scripts.check_readme`` fails on the first stale line of each block, ``--update`` rewrites the blocks.
"""

import argparse
import difflib
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from pathlib import Path

BLOCK = re.compile(r"^```console help\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
WIDTH = 100
"""Columns of a help text in the README: the widest that a page on a Git host shows without scrolling."""

Run = Callable[[list[str]], str]
"""Answers a command's arguments with what it prints."""


class UncheckableError(Exception):
    """A block holds a command that is not a call for help, or one that fails."""


def run_program(arguments: list[str]) -> str:
    """Run the installed command without a terminal and away from the caller's own configuration."""
    program = Path(sysconfig.get_path("scripts")) / arguments[0]
    with tempfile.TemporaryDirectory() as home:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": home,
            "COLUMNS": str(WIDTH),
            "LANG": "C.UTF-8",
            "NO_COLOR": "1",
        }
        done = subprocess.run(
            [program, *arguments[1:]],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    if done.returncode:
        message = f"{shlex.join(arguments)} ends with {done.returncode}:\n{done.stdout}"
        raise UncheckableError(message)
    return done.stdout


def answered(body: str, run: Run) -> str:
    """The block's body with the program's own words after each command."""
    commands = [line for line in body.splitlines() if line.startswith("$ ")]
    if not commands:
        message = "a block tagged `console help` holds no line that starts with `$ `"
        raise UncheckableError(message)
    return "".join(f"{command}\n{_help_text(command, run)}" for command in commands)


def _help_text(command: str, run: Run) -> str:
    arguments = shlex.split(command.removeprefix("$ "))
    if arguments[:1] != ["regista"] or "--help" not in arguments:
        message = f"`{command}` is not a call of `regista ... --help`, so nothing runs it"
        raise UncheckableError(message)
    lines = (line.rstrip() for line in run(arguments).strip("\n").splitlines())
    return "".join(f"{line}\n" for line in lines)


def renewed(readme: str, run: Run) -> str:
    """The README's text with every help block as the program prints it today."""
    return BLOCK.sub(lambda block: f"```console help\n{answered(block['body'], run)}```", readme)


def main(arguments: list[str] | None = None, run: Run = run_program) -> int:
    """Return 0 when every block is fresh (or has been rewritten), 1 with a diff when one is not."""
    parser = argparse.ArgumentParser(prog="check_readme", description="README help blocks against the program.")
    parser.add_argument("--update", action="store_true", help="rewrite the blocks instead of comparing them")
    parser.add_argument("readme", nargs="?", type=Path, default=Path("README.md"))
    options = parser.parse_args(arguments)
    written = options.readme.read_text()
    try:
        real = renewed(written, run)
    except UncheckableError as problem:
        print(f"{options.readme}: {problem}", file=sys.stderr)
        return 1
    if options.update:
        options.readme.write_text(real)
        return 0
    sys.stdout.writelines(
        difflib.unified_diff(written.splitlines(keepends=True), real.splitlines(keepends=True), "README", "program")
    )
    if written != real:
        print("The README shows other help texts than the program: make format", file=sys.stderr)
    return int(written != real)


if __name__ == "__main__":
    sys.exit(main())
