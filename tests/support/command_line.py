"""The command line, called in this process and answered by a real server."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from click.testing import CliRunner

from regista.cli.main import cli


@dataclass(frozen=True)
class Answer:
    """What a command said and how it ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which must be JSON and nothing else."""
        return json.loads(self.out)


class CommandLine:
    """Runs ``regista`` with the words given, in *environment*."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment: dict[str, str | None] = {
            "REGISTA_PROFILE": None,
            "REGISTA_WORKSPACE": None,
            "REGISTA_URL": None,
            "REGISTA_KEY": None,
        }
        self.environment |= environment

    def __call__(self, *words: str, stdin: str = "", **environment: str) -> Answer:
        """Run it to its end, whatever that is."""
        status = 0
        with CliRunner().isolation(stdin, self.environment | environment) as (out, err, _):
            try:
                cli(list(words))
            except SystemExit as end:
                status = int(end.code or 0)
            return Answer(status, out.getvalue().decode(), err.getvalue().decode())

    def json(self, *words: str, **environment: str) -> Any:
        """Its answer in JSON; it must have succeeded."""
        answer = self(*words, "-o", "json", **environment)
        assert answer.status == 0, answer.err
        return answer.json

    def refused(self, *words: str, **environment: str) -> str:
        """What it says when it fails as it should: nothing on standard output, no traceback, a message and a next step."""
        answer = self(*words, **environment)
        assert answer.status == 1, (answer.status, answer.out, answer.err)
        assert answer.out == ""
        assert answer.err.startswith("Error: ")
        assert "Traceback" not in answer.err
        assert "fault of Regista" not in answer.err
        return answer.err

    def misused(self, *words: str, **environment: str) -> str:
        """What it says to wrong usage."""
        answer = self(*words, **environment)
        assert answer.status == 2, (answer.status, answer.out, answer.err)
        assert answer.out == ""
        return answer.err
