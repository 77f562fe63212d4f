"""Requests per second, by wrk (Debian's package of that name): a client of C, so that the server is what is measured."""

import json
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

_SCRIPT = """
wrk.method = {method}
wrk.headers["Content-Type"] = "application/json"
{headers}
local bodies = {bodies}
local n = {first}
request = function()
  n = n + 1
  local body = bodies[(n % #bodies) + 1]
  if body then body = body:gsub("@N@", string.format("%.0f", n)) end
  return wrk.format(nil, nil, nil, body)
end
local bad = 0
response = function(status) if status ~= 200 then bad = bad + 1 end end
done = function(summary, latency, requests) io.write("errors " .. summary.errors.status .. "\\n") end
"""


class Load(NamedTuple):
    """What came of it: good answers a second, how many there were, and how many were errors."""

    rate: float
    answers: int
    failed: int


def per_second(url: str, **options: Any) -> float:
    """Answers per second: ``load`` without their number."""
    return load(url, **options).rate


def load(
    url: str,
    *,
    method: str = "GET",
    bodies: list[str] | None = None,
    headers: dict[str, str] | None = None,
    clients: int = 8,
    seconds: float = 5,
    lenient: bool = False,
) -> Load:
    """Ask as often as can be with *clients* connections; ``@N@`` in a body is a number that grows (``growing``).

    Raise ``RuntimeError`` when an answer is an error, unless *lenient*."""
    if shutil.which("wrk") is None:
        raise RuntimeError("wrk is not installed: apt-get install wrk")
    lua = _SCRIPT.format(
        method=json.dumps(method),
        headers="\n".join(
            f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}" for name, value in (headers or {}).items()
        ),
        first=growing(),
        bodies="{" + ", ".join(_quoted(body) for body in bodies or []) + "}" if bodies else "{false}",
    )
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "load.lua"
        script.write_text(lua)
        command = [
            "wrk",
            "-t1",
            f"-c{clients}",
            f"-d{max(1, round(seconds))}s",
            "--timeout",
            "60s",
            "-s",
            str(script),
            url,
        ]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate, answers, failed = (
        re.search(what, said) for what in (r"Requests/sec:\s*([\d.]+)", r"(\d+) requests in", r"errors (\d+)")
    )
    if not rate or not answers or not failed:
        raise RuntimeError(said)
    total, bad = int(answers[1]), int(failed[1])
    if bad and not lenient:
        raise RuntimeError(f"{bad} answers of {url} were errors:\n{said}")
    return Load(float(rate[1]) * (total - bad) / max(total, 1), total - bad, bad)


def growing() -> int:
    """A number that is greater than any before, also than those that a client counted up from one: microseconds.

    Who sends the same numbers in each round measures how fast it is seen that everything is there already."""
    return time.time_ns() // 1000


def _quoted(text: str) -> str:
    """A long string of Lua."""
    return f"[==[{text}]==]"
