"""Compiling what is installed in an environment, so that imports in every process after that are several times as fast.

Jobs and deployments may not write into their environment, hence Python's own habit of keeping bytecode helps none of them.
"""

import contextlib
import subprocess
import threading
from collections import deque
from pathlib import Path

_DONE = ".regista-compiled"

_PROGRAM = """
import compileall, os, sys, threading
threading.Thread(target=lambda: os._exit(1 + len(os.read(0, 1))), daemon=True).start()
compileall.compile_dir(sys.argv[1], quiet=2)
os._exit(0)
"""
"""Ends when its standard input does: it does not outlive the server that started it."""


def compile_environment(root: Path) -> bool:
    """Compile the environment at *root* and return whether that is done. It takes many seconds and gives way to other
    work; a second call is free."""
    done = root / _DONE
    if not done.exists():
        command = ["nice", "-n", "10", str(root / "bin" / "python"), "-I", "-c", _PROGRAM, str(root / "lib")]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as one:
            if one.wait() != 0:
                return False
        done.touch()  # a file that does not compile (Python 2 in a test folder) is no reason to try again
    return True


class Compiling:
    """Compiles environments one after another in the background, each once."""

    def __init__(self) -> None:
        self._waiting: deque[Path] = deque()
        self._known: set[Path] = set()
        self._lock = threading.Lock()
        self._running = False

    def want(self, root: Path) -> None:
        """Have the environment at *root* compiled soon; returns at once."""
        with self._lock:
            if root in self._known or (root / _DONE).exists():
                return
            self._known.add(root)
            self._waiting.append(root)
            if self._running:
                return
            self._running = True
        threading.Thread(target=self._work, name="regista-bytecode", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._running = False
                    return
                root = self._waiting.popleft()
            with contextlib.suppress(OSError):  # the environment was removed meanwhile, or there is no room: no harm
                compile_environment(root)
