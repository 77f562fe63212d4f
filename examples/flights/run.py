"""The main job on 336,776 real flights: train in dev, promote through a registry, deploy in prod, trace it back.

    make demo       the same as .venv/bin/python examples/flights/run.py, which also takes
                    --stop           stop the server in the end; without it you can look around
                    --stop-server    only stop what an earlier demo left running
                    --data           only fetch the flights, to go through docs/tutorial.md by hand

Every line that begins with `$ regista` is a command that a person could have typed in this folder.
"""

import datetime as dt
import json
import os
import re
import sys
import time
import traceback
from pathlib import Path

from demo.flights import FLIGHTS, SAMPLE, DataFailedError, fetch, held_out
from demo.place import Place, ServerFailedError
from demo.scoring import Endpoint, split
from demo.terminal import CommandFailedError, Terminal, bold, cyan, dim

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
REQUESTS = 200

NAMED = "name version location"
CONTENT = "name version size file_count"
"""What the screen shows of the answers that are cards."""


ESSENCE = (
    r"^deployment|model: |promoted from: model|made by: |step \w+: |(metrics|parameters|log)  |code         |lock "
    r"|input flights: |Known|Complete|missing"
)
"""The lines of a trace that the screen shows where it was shown in full before."""

OPS = ("--profile", "ops")


def steps_alone(line: str) -> bool:
    """What a job's steps say and come to, without how its environment is built."""
    return not re.search(r"\[regista\]|: (Preparing|Queued|Finalizing)", line)


class Demo:
    """The chapters, in order, and what they found out for the summary."""

    def __init__(self, place: Place, terminal: Terminal) -> None:
        self.place, self.terminal = place, terminal
        self.run, self.say = terminal.run, terminal.say
        self.facts: dict[str, str] = {}
        self.seconds: dict[str, float] = {}

    def start(self) -> None:
        self.terminal.chapter("A server, and real flights")
        self.place.clear()
        said = self.place.start()
        self.url, self.ca = str(said["url"]), str(said["ca"])
        self.say(f"  The server answers at {self.url}; all it keeps is in {self.short(self.place.home)}")
        self.everything, _ = fetch(self.place.data)
        self.say(f"  {FLIGHTS:,} flights that left New York in 2013, and a sample: every tenth of them, without")
        self.say("  tail numbers and flight numbers. Which plane it was is nobody's business in dev.")
        owner = str(self.place.home / "keys" / "owner.key")
        self.run(
            "you are the owner: the key of `regista up`, noted under a name",
            *("profile", "add", "owner", "--url", self.url, "--key-file", owner, "--ca", self.ca),
            fields="name url",
        )

    def places(self) -> None:
        self.terminal.chapter("Two workspaces that are kept apart, and a registry between them")
        self.run("who pays for development", "subscription", "create", "team-dev", fields=NAMED)
        self.run("who pays for production", "subscription", "create", "team-prod", fields=NAMED)
        store = str(self.place.home / "stores" / "westeurope")
        self.run(
            "bytes of westeurope stay in westeurope; other regions use the default store",
            *("store", "create", "westeurope", "--path", store, "--region", "westeurope"),
            fields="name url regions",
        )
        self.run("development, in eastus", "workspace", "create", "-f", "workspace-dev.yml", fields=NAMED)
        self.run("production, in westeurope", "workspace", "create", "-f", "workspace-prod.yml", fields=NAMED)
        self.run("what the two share", "registry", "create", "-f", "registry.yml", fields=NAMED)

    def develop(self) -> None:
        self.terminal.chapter("Develop in dev, on the sample")
        self.run("the data of dev", "data", "create", "-f", "data-dev.yml", "-w", "dev", fields=CONTENT)
        self.run("what all steps run in", "environment", "create", "-f", "environment.yml", "-w", "dev", fields=NAMED)
        for name in ("prepare", "train", "evaluate"):
            self.run(f"step: {name}", "component", "create", "-f", f"{name}.yml", "-w", "dev", fields=NAMED)
        self.run(
            "the steps as one pipeline",
            "component",
            "create",
            "-f",
            "pipeline-component.yml",
            "-w",
            "dev",
            fields=NAMED,
        )
        self.say(dim("\n  The first job builds the environment: some seconds, once on this machine."))
        self._job("run it, and follow it", "dev", "pipeline.yml")

    def promote(self) -> None:
        self.terminal.chapter("Promote: all or nothing, with everything it needs")
        pipeline = ("component", "share", "flight-delay-pipeline:1", "-w", "dev", "-r", "central")
        self.run("what would go along? nothing is done yet", *pipeline, "--dry-run")
        self.run("do it: steps, their code and their environment go along", *pipeline, fields=NAMED)
        self.run(
            "the environment by its own name: there already, so nothing happens",
            *("environment", "share", "flights-sklearn:1", "-w", "dev", "-r", "central"),
            fields=NAMED,
        )
        self.run(
            "register what the job made as a model of dev",
            *("model", "create", "flight-delay", "--type", "mlflow_model", "-w", "dev"),
            *("--path", "azureml://jobs/flights-on-sample/outputs/model"),
            fields=CONTENT,
        )
        self.run(
            "and promote it; a sealed record of how it was made travels along",
            *("model", "share", "flight-delay:1", "-w", "dev", "-r", "central"),
            fields=CONTENT,
        )

    def produce(self) -> None:
        self.terminal.chapter("Run the same pipeline in prod, out of the registry, on all flights")
        self.run("the data of prod", "data", "create", "-f", "data-prod.yml", "-w", "prod", fields=CONTENT)
        self._job("the pipeline comes from the registry; dev is not asked", "prod", "pipeline-prod.yml")
        answer = self.run(
            "does the result of dev hold in prod? and what differs?",
            *("compare", "dev/flights-on-sample", "prod/flights-on-everything"),
            most=40,
        )
        verdict = [line for line in answer.lines if line.startswith("Verdict")]
        self.facts["verdict"] = verdict[0] if verdict else "no verdict"
        self.run(
            "straight from the job in prod into the registry, as version 2",
            *("model", "create", "flight-delay", "--version", "2", "--type", "mlflow_model", "-w", "prod"),
            *("-r", "central", "--path", "azureml://jobs/flights-on-everything/outputs/model"),
            fields=CONTENT,
        )

    def deploy(self) -> None:
        self.terminal.chapter("Deploy blue and green in prod")
        self.run(
            "a stable address",
            "online-endpoint",
            "create",
            "-f",
            "endpoint.yml",
            "-w",
            "prod",
            fields="name scoring_uri",
        )
        self.run(
            "what would fail, before anything starts", "can-i", "deploy", "-f", "deployment-blue.yml", "-w", "prod"
        )
        deployment = ("online-deployment", "create", "-w", "prod", "-f")
        self.run(
            "blue: the model of dev, all traffic",
            *deployment,
            "deployment-blue.yml",
            "--all-traffic",
            fields="name state",
        )
        self.run("green: the model of prod, no traffic yet", *deployment, "deployment-green.yml", fields="name state")
        traffic = ("online-endpoint", "update", "flights", "-w", "prod", "--traffic")
        self.run("one request in ten goes to green", *traffic, "blue=90 green=10", fields="traffic")
        flights = held_out(self.everything, REQUESTS)
        self.run(
            "ask about a real flight, of a day that no model has seen",
            *("online-endpoint", "invoke", "flights", "-w", "prod", "--request-file", "flight.json"),
        )
        endpoint = self._endpoint()
        landings, speed = endpoint.ask_all(flights)
        for one in landings[7::60]:
            self.say(f"    {one}")
        self.say(f"  {REQUESTS} flights asked from Python, {speed:.0f} a second: {split(landings)}")
        self.facts["split"] = split(landings)
        self.moment = dt.datetime.now().astimezone().isoformat(sep=" ", timespec="milliseconds")
        self.run("green is good: it gets everything", *traffic, "blue=0 green=100", fields="traffic")
        landings, speed = endpoint.ask_all(flights)
        self.say(f"  {REQUESTS} flights more: {split(landings)}")
        self.facts["after"] = split(landings)

    def trace(self) -> None:
        self.terminal.chapter("Trace it back, as somebody without any right in dev")
        self.run("ops keeps prod running", "principal", "create", "ops", fields="name kind")
        self.run(
            "may work in prod",
            *("role", "assign", "--principal", "ops", "--role", "Data Scientist", "-w", "prod"),
            fields="role path",
        )
        self.run(
            "and use the registry",
            *("role", "assign", "--principal", "ops", "--role", "Registry User", "-r", "central"),
            fields="role path",
        )
        secret = json.loads(self.terminal.ask("key", "create", "demo", "--principal", "ops"))["secret"]
        path = self.place.folder / "ops.key"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(f"{secret}\n")
        self.say(f"  A key for ops was made (regista key create demo --principal ops); it is in {self.short(path)}")
        self.run(
            "act as ops with --profile ops",
            *("profile", "add", "ops", "--url", self.url, "--key-file", str(path), "--ca", self.ca),
            fields="name url",
        )
        self.run("for ops there is no dev", "workspace", "show", "dev", *OPS, fails=True)
        self._trace("where does green come from? prod: all of it is readable", "green", *OPS, keep=ESSENCE)
        purpose = "and blue? dev is closed to ops: the record that was sealed at promotion speaks (capsule)"
        self._trace(purpose, "blue", *OPS)
        self.run(
            "what served before green got everything, and why?",
            *("why", "flights", "--at", self.moment, "-w", "prod", *OPS),
            keep="^(Endpoint|  because|blue|green)",
        )

    def forget(self) -> None:
        self.terminal.chapter("Dev goes, the record stays")
        self.run(
            "the whole workspace, with data, jobs and models", "workspace", "delete", "dev", "--yes", fields="deleted"
        )
        self.run("it is gone for its owner too", "workspace", "show", "dev", fails=True)
        answer = self._trace("blue, still serving: where does it come from?", "blue", *OPS, "--log", "3", keep=ESSENCE)
        self.facts["known"] = next((line for line in answer if re.match(r"Known|Complete", line)), "")

    def _job(self, purpose: str, workspace: str, file: str) -> None:
        began = time.monotonic()
        self.run(purpose, "job", "create", "-f", file, "-w", workspace, "--stream", shown=steps_alone)
        self.seconds[workspace] = time.monotonic() - began

    def _trace(self, purpose: str, deployment: str, *words: str, keep: str = "") -> list[str]:
        command = ("trace", "deployment", f"flights/{deployment}", "-w", "prod", *words)
        return self.run(purpose, *command, keep=keep, most=100).lines

    def _endpoint(self) -> Endpoint:
        uri = json.loads(self.terminal.ask("online-endpoint", "show", "flights", "-w", "prod"))["scoring_uri"]
        keys = json.loads(self.terminal.ask("online-endpoint", "get-credentials", "flights", "-w", "prod"))
        return Endpoint(uri, keys["primary_key"], self.ca)

    def short(self, path: Path) -> str:
        """A path as seen from the project's folder."""
        return str(path.relative_to(ROOT))


def summary(demo: Demo, seconds: float, *, runs: bool) -> None:
    """What happened, and how to go on by hand."""
    say, facts = demo.say, demo.facts
    say(f"\n{bold('What happened')}")
    say(f"  dev      trained on a sample of {SAMPLE:,} flights, in {demo.seconds['dev']:.0f} s")
    say("  central  got the pipeline with its code and environment, and both models, each with a sealed record")
    say(f"  prod     ran the same pipeline on all {FLIGHTS:,} flights, in {demo.seconds['prod']:.0f} s")
    say(f"           {facts['verdict']}")
    say(f"  90/10    {facts['split']}")
    say(f"  0/100    {facts['after']}")
    say("  ops      traced both deployments to job, metrics, log, code, environment and data, without a right in dev,")
    say(f"           and again after dev was deleted. {facts['known']}")
    say(f"  {demo.terminal.commands} commands in {seconds:.0f} s. Every word of them: {demo.short(demo.terminal.log)}")
    if not runs:
        say("\nThe server was stopped.")
        return
    program = Path(sys.executable).with_name("regista")
    say(f"\n{bold('Go on by hand')} (the server still runs)")
    say(cyan(f"  export REGISTA_CONFIG={demo.place.profiles}"))
    say(cyan(f"  alias regista={program}"))
    say(cyan("  regista model list -r central"))
    say(cyan("  regista trace model flight-delay:2 -r central"))
    say(cyan("  regista job list -w prod"))
    say(cyan("  regista online-endpoint invoke flights -w prod --request-file " + str(HERE / "flight.json")))
    say(cyan("  regista whoami --profile ops"))
    say(f"\n{bold('Stop it')}      {cyan(f'{sys.executable} {Path(__file__).resolve()} --stop-server')}")
    say(f"{bold('Remove it')}    {cyan(f'rm -rf {demo.place.folder}')}   (stop it first)")


def main() -> int:
    words = sys.argv[1:]
    if set(words) - {"--stop", "--stop-server", "--data"}:
        print(__doc__)
        return 2
    program = Path(sys.executable).with_name("regista")
    place = Place(ROOT, program)
    if "--stop-server" in words:
        print("Stopped." if place.stop() else "Nothing runs.")
        return 0
    place.folder.mkdir(exist_ok=True)
    if "--data" in words:
        print("\n".join(map(str, fetch(place.data))))
        return 0
    demo = Demo(place, Terminal(program, HERE, place.log, place.environment))
    began, done = time.monotonic(), False
    try:
        for chapter in ("start", "places", "develop", "promote", "produce", "deploy", "trace", "forget"):
            getattr(demo, chapter)()
        done = True
    except (CommandFailedError, ServerFailedError, DataFailedError) as failed:
        print(f"\n{bold('The demo failed.')}\n{failed}", file=sys.stderr)
    except Exception:  # noqa: BLE001 - whatever it is, nothing may be left running
        print(f"\n{bold('The demo failed.')}\n{traceback.format_exc()}", file=sys.stderr)
    finally:
        if not done or "--stop" in words:
            place.stop()
    if not done:
        print(f"Every command: {place.log}\nThe server:    {place.server_log}", file=sys.stderr)
    else:
        summary(demo, time.monotonic() - began, runs="--stop" not in words)
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main())
