"""Runs scripts in forks of a process that has imported the SDK: that alone takes longer than most of them.

Reads orders from stdin, a line of JSON each, {script, words, environment, folder, output}; answers each with a line that holds
the exit status.
"""

import json
import os
import runpy
import sys
from pathlib import Path

import azure.ai.ml
import azure.identity  # noqa: F401


def become(order: dict) -> None:
    """Turn this fork into the process that the order asks for."""
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    sys.argv = [order["script"], *order["words"]]
    sys.path[0] = str(Path(order["script"]).parent)


def main() -> None:
    """Until stdin ends. A fork leaves by its own way out, with what it registered for that."""
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            become(order)
            runpy.run_path(order["script"], run_name="__main__")
            return
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
