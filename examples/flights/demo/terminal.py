"""Commands of `regista` as a person would type them: shown with their purpose, their answers cut to what matters."""

import contextlib
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

TIME_LIMIT = 900.0
QUIET = 10.0
"""Seconds without a word after which a long command is said to go on."""


class Answer(NamedTuple):
    """What a command said, and how it ended."""

    status: int
    out: str
    lines: list[str]


class CommandFailedError(Exception):
    """A command did not end as it should have: which one, and what it said."""


class Terminal:
    """Runs the program in a folder; everything it says is kept in a log, the screen shows the essence."""

    def __init__(self, program: Path, folder: Path, log: Path, environment: Mapping[str, str]) -> None:
        self._program, self._folder, self._environment = program, folder, environment
        self.log = log
        self.commands = 0
        self._chapter = 0
        self._began = time.monotonic()

    def chapter(self, title: str) -> None:
        self._chapter += 1
        seconds = time.monotonic() - self._began
        head = f"{self._chapter}. {title} "
        self.say(f"\n{bold(head)}{dim('─' * max(3, 90 - len(head)))} {dim(f'{seconds:.0f} s')}")

    def say(self, text: str = "") -> None:
        print(text, flush=True)
        self._note(re.sub(r"\033\[\d*m", "", text) + "\n")

    def run(
        self,
        purpose: str,
        *words: str,
        fields: str = "",
        keep: str = "",
        most: int = 12,
        fails: bool = False,
        shown: Callable[[str], bool] | None = None,
    ) -> Answer:
        """Show the command with its *purpose*, run it, and show what matters of its answer: the named *fields* of a card in
        one line, or the *most* first lines that match *keep*, or each line as it comes for which *shown* is true.

        *fails*: it is expected to."""
        self.say(f"\n  {dim('# ' + purpose)}\n  {cyan('$ regista ' + _typed(words))}")
        answer = self._execute(words, self._live(shown) if shown else None)
        if bool(answer.status) is not fails:
            raise CommandFailedError(_complaint(words, answer, fails=fails))
        if fields:
            found = (line.split(maxsplit=1) for line in answer.lines)
            self.say("    " + ", ".join(" ".join(words) for words in found if words and words[0] in fields.split()))
        elif not shown:
            wanted = [line for line in answer.lines if line.strip() and re.search(keep, line)]
            for line in wanted[:most]:
                self.say(f"    {line}")
            if len(wanted) > most:
                self.say(dim(f"    … {len(wanted) - most} lines more"))
        return answer

    def ask(self, *words: str) -> str:
        """The answer to a command that is not part of the story, in JSON; it is not noted, for it may hold a secret."""
        self._note(f"\n$ regista {_typed(words)} -o json\n")
        done = subprocess.run(
            [str(self._program), *words, "-o", "json"],
            cwd=self._folder,
            env=dict(self._environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT,
            check=False,
        )
        if done.returncode:
            raise CommandFailedError(
                _complaint(words, Answer(done.returncode, "", done.stderr.splitlines()), fails=False)
            )
        return done.stdout

    def _live(self, shown: Callable[[str], bool]) -> Callable[[str], None]:
        def show(line: str) -> None:
            if shown(line):
                self.say(f"    {line}")

        return show

    def _execute(self, words: tuple[str, ...], each: Callable[[str], None] | None) -> Answer:
        self.commands += 1
        self._note(f"\n$ regista {_typed(words)}\n")
        lines: list[str] = []
        with _started(self._program, words, self._folder, self._environment) as process:
            for line in _lines(process, self._still):
                self._note(line + "\n")
                lines.append(line)
                if each:
                    each(line)
        self._note(f"(exit status {process.returncode})\n")
        return Answer(process.returncode, "\n".join(lines), lines)

    def _still(self, seconds: float, last: str) -> None:
        print(dim(f"    … {seconds:.0f} s: {last[:90] or 'at work'}"), flush=True)

    def _note(self, text: str) -> None:
        with self.log.open("a") as file:
            file.write(text)


@contextlib.contextmanager
def _started(
    program: Path, words: tuple[str, ...], folder: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[str]]:
    """The running command, which does not outlive the block."""
    process = subprocess.Popen(
        [str(program), *words],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    try:
        yield process
        process.wait(10)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _lines(process: subprocess.Popen[str], still: Callable[[float, str], None]) -> Iterator[str]:
    """The lines as they come; *still* is told when there have been none for long. Raises when it takes too long."""
    found: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            found.put(line.rstrip("\n"))
        found.put(None)

    threading.Thread(target=read, daemon=True).start()
    began, said, last = time.monotonic(), time.monotonic(), ""
    while True:
        try:
            line = found.get(timeout=1)
        except queue.Empty:
            if time.monotonic() - began > TIME_LIMIT:
                raise CommandFailedError(f"it has not ended after {TIME_LIMIT:.0f} seconds: {last}") from None
        else:
            if line is None:
                return
            last = line
            yield line
            continue
        if time.monotonic() - said > QUIET:
            said = time.monotonic()
            still(said - began, last)


def _typed(words: tuple[str, ...]) -> str:
    return " ".join(f"'{word}'" if re.search(r"[\s*&|;<>$]", word) else word for word in words)


def _complaint(words: tuple[str, ...], answer: Answer, *, fails: bool) -> str:
    said = "\n".join(f"    {line}" for line in answer.lines[-25:])
    how = "succeeded, and should not have" if fails else f"failed with exit status {answer.status}"
    return f"$ regista {_typed(words)}\n  {how}:\n{said}"


def _styled(text: str, code: int) -> str:
    return f"\033[{code}m{text}\033[0m" if sys.stdout.isatty() else text


def bold(text: str) -> str:
    return _styled(text, 1)


def dim(text: str) -> str:
    return _styled(text, 2)


def cyan(text: str) -> str:
    return _styled(text, 36)
