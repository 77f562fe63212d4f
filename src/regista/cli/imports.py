"""``regista import``: taking over what was recorded elsewhere."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import click

from regista.cli.frame import homed, is_interactive, say, show

if TYPE_CHECKING:
    from regista.client import Regista
    from regista.client.imports.importing import Problems, Report
    from regista.client.imports.records import Source

_COLUMNS = ("what", "source", "here", "differs")


@click.group(name="import")
def imports() -> None:
    """Import runs, models and files that were recorded elsewhere."""


@imports.command("mlflow", epilog="Example: regista import mlflow sqlite:///mlflow.db --artifacts ./mlartifacts -w dev")
@click.argument("source")
@click.option(
    "--artifacts",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="With a database: the folder that holds the files.",
)
@click.option("--no-artifacts", is_flag=True, help="With a database: import no files, and no versions that have some.")
@click.option("--source-workspace", default="", help="The workspace there, where MLflow has several.")
@click.option("--dry-run", is_flag=True, help="Read and check everything, and write nothing.")
@homed
def mlflow(
    source: str,
    artifacts: Path | None,
    no_artifacts: bool,
    source_workspace: str,
    dry_run: bool,
    client: "Regista",
    home: str,
    output: str,
) -> None:
    """Import experiments, runs, models, traces and files from MLflow: SOURCE is the address of a running server, a database
    (sqlite:///…, postgresql://…), or a folder ./mlruns.

    Ids, numbers and times stay. SOURCE is only read. An import that was broken off goes on when it is begun again. With
    --registry-name too, registered models go there. For a server, credentials are taken from MLFLOW_TRACKING_TOKEN, or
    MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD."""
    from regista.client.imports.importing import Import, Problems

    if client.registry and not home:
        raise click.UsageError("runs go to a workspace: give --workspace-name too")
    if source.startswith(("sqlite:", "postgresql")) and not (artifacts or no_artifacts):
        raise click.UsageError("say where the files are: --artifacts FOLDER (or --no-artifacts)")
    problems = Problems()
    place = client.bound(workspace=home) if home else client
    found = _open(source, problems, artifacts, source_workspace)
    with _Bar(found.count_runs() if is_interactive() else None) as bar:
        task = Import(found, place, problems, registry=client.registry or "", dry_run=dry_run, moved=bar.moved)
        report = task.run()
    _tell(report, output)
    if not report.is_whole:
        click.get_current_context().exit(1)


def _open(source: str, problems: "Problems", artifacts: Path | None, workspace: str) -> "Source":
    if source.startswith(("http://", "https://")):
        from regista.client.imports.server import ServerSource

        return ServerSource(source, problems.tell, workspace=workspace)
    if "://" in source and not source.startswith("file:"):
        from regista.client.imports.database import DatabaseSource

        return DatabaseSource(source, problems.tell, artifacts, workspace or "default")
    from regista.client.imports.folder import FolderSource

    return FolderSource(Path(source.removeprefix("file://")).expanduser(), problems.tell, artifacts)


def _tell(report: "Report", output: str) -> None:
    import msgspec

    rows: list[dict[str, Any]] = [msgspec.to_builtins(line) for line in report.lines]
    for row in rows:
        row["differs"] = row["here"] is not None and row["here"] != row["source"]
    if output == "table":
        show(rows, output, _COLUMNS[:2] if report.dry_run else _COLUMNS)
        for problem in report.problems:
            say(problem)
        if report.untold:
            say(f"… and {report.untold:,} more.")
        for note in report.notes:
            say(note)
    else:
        found = {"lines": rows, "problems": report.problems, "untold": report.untold, "notes": report.notes}
        show(found | {"whole": report.is_whole}, output)
    if report.dry_run:
        say("Nothing was written.")
    elif report.is_whole:
        say("Everything is here.")
    else:
        say("Not everything is here. What was told above was left out; begin again to try it anew.")


class _Bar:
    """How far an import is: runs on a bar, the rest as numbers; silent where nobody sits at the terminal."""

    def __init__(self, runs: int | None) -> None:
        self._runs = runs
        self._counts: dict[str, int] = {}
        self._bar: Any = None

    def __enter__(self) -> Self:
        if is_interactive():
            from rich import progress
            from rich.console import Console

            columns = (
                progress.TextColumn("Importing"),
                progress.BarColumn(),
                progress.TextColumn("{task.description}"),
            )
            self._bar = progress.Progress(*columns, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task("", total=self._runs)
            self._bar.start()
        return self

    def moved(self, what: str, count: int) -> None:
        """*count* more of *what* are done."""
        self._counts[what] = self._counts.get(what, 0) + count
        if self._bar is not None:
            words = ", ".join(f"{number:,} {sort}" for sort, number in self._counts.items())
            self._bar.update(self._task, completed=self._counts.get("runs", 0), description=words)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
