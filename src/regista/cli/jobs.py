"""``regista job``: submit, look, follow, cancel; what a job left."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from regista.cli.asset_card import shortly
from regista.cli.frame import is_colored, named, pairs, say, show
from regista.cli.options import (
    described,
    downloading,
    in_workspace,
    max_results,
    overriding,
    shown,
    tagged,
    yaml_file,
)
from regista.cli.recorded import in_short, metrics, values

if TYPE_CHECKING:
    from regista.client import Regista
    from regista.client.jobs import Line, TaggedJob
    from regista.client.records import JobRecord
    from regista.entities.job import JobStatus

_COLUMNS = ("name", "status", "type", "display_name", "created_at", "ended_at", "created_by")
_STEPS = ("node", "status", "started_at", "ended_at", "name", "reused_from", "error")
_COLORS = {"Completed": "green", "Failed": "red", "Canceled": "yellow"}


@click.group(help="Jobs of a workspace: commands and pipelines.")
def job() -> None:
    """The group; its help stands above."""


job.add_command(metrics)


@job.command("create", epilog="Example: regista job create -f pipeline.yml -w dev --set inputs.epochs=5 --stream")
@yaml_file("job", required=True)
@click.option("-n", "--name", default="", help="Above the file's.  [default: a new one]")
@overriding()
@click.option("-s", "--stream", is_flag=True, help="Follow it until it has ended.")
@in_workspace
def create(
    client: "Regista", output: str, file: Path, name: str, overrides: tuple[str, ...], stream: bool
) -> int | None:
    """Submit a job: what could not run is said at once. Local paths in the file are uploaded."""
    made = client.jobs.create(file, name=name, overrides=overrides)
    if not stream:
        show_job(client, made, output)
        return None
    say(f"job {made.name} in workspace {client.workspace}")
    return _follow(client, made.name, output)


@job.command("show", epilog="Example: regista job show train-7 -w dev")
@named
@in_workspace
def show_one(client: "Regista", output: str, name: str) -> None:
    """Show a job: where it stands, its inputs and outputs, what it measured, its steps."""
    show_job(client, client.jobs.get(name), output, client.jobs.record(name))


@job.command("list", epilog="Example: regista job list -w dev --parent train-7")
@click.option("-p", "--parent", default="", help="The steps of this pipeline job.")
@click.option("--steps", is_flag=True, help="Steps of pipelines too.")
@shown
@max_results
@in_workspace
def list_them(
    client: "Regista",
    output: str,
    parent: str,
    steps: bool,
    which: str,
    max_results: int | None,
) -> None:
    """List jobs, newest first."""
    found = client.jobs.list(parent=parent, steps=steps, show=which)
    show(list(islice(found, max_results)), output, ("node", *_COLUMNS) if parent or steps else _COLUMNS)


@job.command("stream", epilog="Example: regista job stream train-7 -w dev")
@named
@in_workspace
def stream_one(client: "Regista", output: str, name: str) -> int | None:
    """Follow a job and its steps until it has ended: what they print, and what they come to. Fails if the job does."""
    return _follow(client, name, output)


@job.command("cancel", epilog="Example: regista job cancel train-7 -w dev")
@named
@in_workspace
def cancel(client: "Regista", output: str, name: str) -> None:
    """Have a job end, with its steps."""
    show_job(client, client.jobs.cancel(name), output)


@job.command("update", epilog="Example: regista job update train-7 --tags approved=yes -w dev")
@named
@click.option("--display-name")
@described
@tagged("Added to those that there are.")
@in_workspace
def update(client: "Regista", output: str, name: str, tags: tuple[str, ...], **changes: str | None) -> None:
    """Change what is said about a job."""
    show_job(client, client.jobs.update(name, tags=pairs(tags, "tags") if tags else None, **changes), output)


@job.command("archive", epilog="Example: regista job archive train-7 -w dev")
@named
@in_workspace
def archive(client: "Regista", output: str, name: str) -> None:
    """Hide a job from lists."""
    show_job(client, client.jobs.archive(name), output)


@job.command("restore", epilog="Example: regista job restore train-7 -w dev")
@named
@in_workspace
def restore(client: "Regista", output: str, name: str) -> None:
    """Undo archive."""
    show_job(client, client.jobs.restore(name), output)


@job.command("outputs", epilog="Example: regista job outputs train-7 -w dev")
@named
@in_workspace
def outputs(client: "Regista", output: str, name: str) -> None:
    """List what a job left, and how to refer to it: in a model's path, in another job's input."""
    job = client.jobs.get(name)
    rows = []
    for one, bound in job.outputs.items():
        became = shortly(bound.reference, job.scope_id) if output == "table" else bound.reference
        reference = f"azureml://jobs/{name}/outputs/{one}"
        rows.append({"output": one, "type": bound.type, "reference": reference, "became": became})
    show(rows, output, ("output", "type", "reference", "became"))


@job.command("download", epilog="Example: regista job download train-7 --output-name model -w dev")
@named
@click.option("--output-name", default="", help="Which output; artifacts is what it left in ./outputs.  [default: all]")
@downloading
@in_workspace
def download(client: "Regista", output: str, name: str, output_name: str, download_path: Path, overwrite: bool) -> None:
    """Bring the files of a job's outputs into a folder with the output's name, each verified."""
    wanted = [output_name] if output_name else [*client.jobs.get(name).outputs]
    rows: list[dict[str, Any]] = []
    for one in wanted:
        manifest = client.jobs.download(name, one, download_path / one, overwrite=overwrite)
        rows.append(
            {"output": one, "path": str(download_path / one), "files": len(manifest.files), "size": manifest.size}
        )
    show(rows, output, ("output", "path", "files", "size"))


def show_job(client: "Regista", found: "TaggedJob", output: str, record: "JobRecord | None" = None) -> None:
    """A job for people: without its plan, with its steps. Programs get all of it. What it recorded is told where given."""
    if output != "table":
        import msgspec

        told = {"metrics": values(record), "params": record.params} if record else {}
        show(msgspec.to_builtins(found) | told, output)
        return
    card: dict[str, Any] = {name: getattr(found, name) for name in ("name", "status", "type", "display_name", "error")}
    card |= {
        "inputs": {
            name: shortly(one.reference, found.scope_id) or one.value or one.manifest
            for name, one in found.inputs.items()
        },
        "outputs": [f"{name} ({one.type})" for name, one in found.outputs.items()],
        "metrics": in_short(record) if record else {},
        "params": record.params if record else {},
        "tags": found.tags,
        "reused_from": found.reused_from,
    }
    for name in ("created_by", "created_at", "started_at", "ended_at"):
        card[name] = getattr(found, name)
    show(card, output)
    if str(found.type) == "pipeline" and (steps := client.jobs.children(found.name)):
        click.echo()
        show(*_steps_table(steps, record))
    if str(found.status) == "Failed" or not found.status.is_final:
        aim = "What it printed" if found.status.is_final else "To follow it"
        say(f"{aim}: regista job stream {found.name} -w {client.workspace}")


def _steps_table(
    steps: "Sequence[TaggedJob]", record: "JobRecord | None"
) -> tuple[list[dict[str, Any]], str, list[str]]:
    """The steps as a table, with what they measured where one of them did."""
    import msgspec

    measured = {one.job: in_short(one) for one in record.steps} if record else {}
    rows = [msgspec.to_builtins(step) | {"metrics": measured.get(step.name)} for step in steps]
    columns = [*_STEPS]
    if any(row["metrics"] for row in rows):
        columns.insert(2, "metrics")
    return rows, "table", columns


def _follow(client: "Regista", name: str, output: str) -> int | None:
    """Print what happens, then the job as it ended. Exit status 1 when it has not completed."""
    last = None
    try:
        for line in client.jobs.follow(name):
            _print(line, aside=output != "table")
            last = line.job or last
    except KeyboardInterrupt:
        say(f"It goes on without you. See: regista job show {name} -w {client.workspace}")
        raise
    if last is None:
        return None
    if output != "table":
        show(client.jobs.get(name), output)
    return 0 if str(last.status) == "Completed" else 1


def _print(line: "Line", *, aside: bool) -> None:
    """One line, on standard error where standard output is for the answer (*aside*)."""
    if line.status is None or line.job is None:
        mark = f"[{line.step}] " if line.step else ""
        click.echo(f"{click.style(mark, fg='cyan') if is_colored() else mark}{line.text}", err=aside)
    else:
        click.echo(f"{line.step or line.job.name}: {_styled(line.status)}{_remark(line.job)}", err=aside)


def _styled(status: "JobStatus") -> str:
    color = _COLORS.get(str(status))
    return click.style(str(status), fg=color, bold=True) if color and is_colored() else str(status)


def _remark(found: "TaggedJob") -> str:
    """What is worth saying beside the status."""
    if found.reused_from:
        return f" (as {found.reused_from} did: nothing it depends on has changed)"
    if found.error:
        return f": {found.error}"
    if found.status.is_final and found.started_at and found.ended_at:
        return f" in {(found.ended_at - found.started_at) / 1000:.1f} s"
    return ""
