"""Pipelines: what a step costs above spawning its process, and what a reused pipeline costs."""

import subprocess
import time
from pathlib import Path
from typing import Any

from benchmarks.places import regista
from benchmarks.table import Row, limit, median_of
from regista.client import connect
from regista.client.transport import Transport

STEPS = 20


def rows(folder: Path) -> list[Row]:
    """A chain of 20 trivial steps, the first time and again."""
    spawned = median_of(lambda: subprocess.run(["/bin/sh", "-c", "true"], check=True), 20)
    with regista(folder / "home") as served:
        key = (folder / "home" / "keys" / "owner.key").read_text().strip()
        client = connect(served.url, key=key, ca=folder / "home" / "tls" / "ca.pem")
        client.workspaces.create(name="bench")
        _run(client.transport, _chain("warm", 1))
        first = _run(client.transport, _chain("x", STEPS))
        again = min(_run(client.transport, _chain("x", STEPS)) for _ in range(3))
    step = (first / STEPS - spawned) * 1000
    return [
        limit(
            "a pipeline's step, above spawning its process",
            step,
            "ms",
            most=20,
            note=f"a chain of {STEPS} steps took {first:.2f} s",
        ),
        limit(f"a reused pipeline of {STEPS} steps", again * 1000, "ms", most=100),
    ]


def _chain(word: str, steps: int) -> dict[str, Any]:
    """Steps of which each waits for the one before."""
    jobs: dict[str, Any] = {}
    for n in range(steps):
        step: dict[str, Any] = {
            "type": "command",
            "command": f"echo {word}{n} > ${{{{outputs.o}}}}/f",
            "environment": {"pip": ["six"]},
            "outputs": {"o": {"type": "uri_folder"}},
        }
        if n:
            step["inputs"] = {"i": f"${{{{parent.jobs.s{n - 1}.outputs.o}}}}"}
            step["command"] += " < ${{inputs.i}}/f"
        jobs[f"s{n}"] = step
    return {"type": "pipeline", "jobs": jobs}


def _run(transport: Transport, document: dict[str, Any]) -> float:
    """Seconds from submission until the end is seen."""
    start = time.perf_counter()
    job = transport.call("POST", "/api/v1/workspaces/bench/jobs", body=document, type=dict[str, Any])
    while job["status"] not in {"Completed", "Failed", "Canceled"}:
        time.sleep(0.02)  # asking is work for the server too
        job = transport.call("GET", f"/api/v1/workspaces/bench/jobs/{job['name']}", type=dict[str, Any])
    if job["status"] != "Completed":
        raise RuntimeError(f"the pipeline ended as {job['status']}: {job['error']}")
    return time.perf_counter() - start
