"""Pipelines and commands: what a step costs above spawning its process, what a reused pipeline costs, and how long a user
waits for a command that does nothing.

Ends are read from the jobs' own records: to ask often would be work for the server that is measured."""

import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

from benchmarks.places import regista
from benchmarks.table import Row, figure, limit, median_of
from regista.client import Regista, connect

STEPS = 20
ROUNDS = 7
_COMMAND = {"command": "echo done", "environment": {"pip": ["six"]}}


def rows(folder: Path) -> list[Row]:
    """Chains of 20 trivial steps, new ones and one again and again, between processes that are only spawned."""
    with regista(folder / "home") as served:
        key = (folder / "home" / "keys" / "owner.key").read_text().strip()
        client = connect(served.url, key=key, ca=folder / "home" / "tls" / "ca.pem", workspace="bench")
        client.workspaces.create(name="bench")
        _run(client, _chain("warm", 2))
        chains, above, again, alone, followed = [], [], [], [], []
        for number in range(ROUNDS):
            spawned = median_of(lambda: subprocess.run(["/bin/sh", "-c", "true"], check=True), 20)
            chains.append(_run(client, _chain(f"x{number}-", STEPS)))
            above.append(chains[-1] / STEPS - spawned)
            again.append(_run(client, _chain("x0-", STEPS)))
            alone.append(_run(client, _COMMAND))
            followed.append(_follow(client, _COMMAND))
    step, least = statistics.median(above), min(above)
    return [
        limit(
            "a pipeline's step, above spawning its process",
            step * 1000,
            "ms",
            most=20,
            note=f"The middle one of {ROUNDS} chains of {STEPS} steps took {statistics.median(chains):.2f} s; in the fastest "
            f"a step cost {least * 1000:.1f} ms.",
        ),
        limit(f"a reused pipeline of {STEPS} steps", statistics.median(again) * 1000, "ms", most=100),
        figure("a command that does nothing, from submission to its end", statistics.median(alone) * 1000, "ms"),
        figure("the same, followed until its end is told", statistics.median(followed) * 1000, "ms"),
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


def _run(client: Regista, document: dict[str, Any]) -> float:
    """Seconds from submission to the end."""
    start = time.time()
    job = client.jobs.create(**document)
    while not job.status.is_final:
        time.sleep(0.1)
        job = client.jobs.get(job.name)
    if job.status != "Completed" or job.ended_at is None:
        raise RuntimeError(f"the job ended as {job.status}: {job.error}")
    return job.ended_at / 1000 - start


def _follow(client: Regista, document: dict[str, Any]) -> float:
    """Seconds from submission until who follows the job is told of its end."""
    start = time.perf_counter()
    for _ in client.jobs.follow(client.jobs.create(**document).name):
        pass
    return time.perf_counter() - start
