"""A process that has imported much, and scripts in forks of it: the import is paid for once."""

import json
import os
import select
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class Warm:
    """Runs *program* (``azureml_scripts/_warm.py`` says how it is spoken to) with *python*, from the first script on."""

    def __init__(self, python: Path, program: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [python, program],
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(
        self, script: Path, words: Sequence[str], environment: Mapping[str, str], folder: Path, seconds: float
    ) -> tuple[int, str]:
        """The exit status of *script* and what it printed. Raise ``TimeoutError`` after *seconds*, when everything is killed."""
        output = folder / f".{script.stem}.printed"
        order = {
            "script": str(script),
            "words": list(words),
            "environment": dict(environment),
            "folder": str(folder),
            "output": str(output),
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        if not select.select([self._process.stdout], [], [], seconds)[0]:
            self.close()
            raise TimeoutError(f"{script} has not ended after {seconds} s:\n{output.read_text()}")
        said = self._process.stdout.readline()
        return int(said or 1), output.read_text() if output.exists() else ""

    @property
    def is_alive(self) -> bool:
        """Whether it takes orders."""
        return self._process.poll() is None

    def close(self) -> None:
        """End it and every script of it."""
        if self.is_alive:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
