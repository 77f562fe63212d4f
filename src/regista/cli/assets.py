"""``regista model``, ``environment``, ``component``, ``data`` and ``code``: the same verbs for every kind, as in ``az ml``."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from regista.cli.aliases import alias_group
from regista.cli.asset_card import show_made, show_version
from regista.cli.frame import confirm, homed, maybe_named, pairs, say, scoped, show
from regista.cli.options import (
    described,
    downloading,
    max_results,
    overriding,
    shown,
    tagged,
    unasked,
    yaml_file,
)
from regista.cli.references import assets_of, versioned
from regista.cli.sharing import add_share
from regista.entities.asset import TYPES, AssetKind
from regista.errors import InvalidError

if TYPE_CHECKING:
    from regista.client import Regista

_NAMES = ("name", "latest_version", "aliases", "tags", "created_at", "description")
_VERSIONS = ("name", "version", "type", "file_count", "size", "stage", "tags", "created_at", "created_by")
_EXAMPLES = {
    AssetKind.MODEL: "--name churn --path ./model --type mlflow_model",
    AssetKind.ENVIRONMENT: "--name sklearn --image mambaorg/micromamba --conda-file conda.yml",
    AssetKind.COMPONENT: "-f train.yml",
    AssetKind.DATA: "--name flights --path ./flights.csv --type uri_file",
    AssetKind.CODE: "--name prepare --path ./src",
}


def _add_create(group: click.Group, kind: AssetKind) -> None:
    @maybe_named
    @yaml_file(kind)
    @click.option("-v", "--version", help="Without one it gets the next number.")
    @described
    @tagged("May be given several times.")
    @overriding()
    @homed
    def create(
        client: "Regista",
        home: str,
        output: str,
        file: Path | None,
        overrides: tuple[str, ...],
        tags: tuple[str, ...],
        **fields: Any,
    ) -> None:
        given = {key: value for key, value in fields.items() if value} | ({"tags": pairs(tags, "tags")} if tags else {})
        if not (file or given or overrides):
            raise click.UsageError("give --file, or the fields of a file as options")
        for field in ("path", "conda_file"):
            if field in given:
                given[field] = _from_here(given[field])
        if home and not _is_of_job(given.get("path") or _path_in(file)):
            _refuse_both()
            home = ""
        with _explained(kind, file):
            made = assets_of(client, kind).create(file, overrides=overrides, home=home, **given)
        show_made(client, made, output)

    for decorate in _own_options(kind):
        create = decorate(create)
    group.command(
        "create",
        epilog=f"Example: regista {kind} create {_EXAMPLES[kind]} -w dev",
        help=f"Make a version of {_a(kind)} out of a file or of options. The same content again changes nothing.",
    )(create)


@contextmanager
def _explained(kind: AssetKind, file: Path | None) -> Iterator[None]:
    """What is wrong with a document that came from options is told with how to give it."""
    try:
        yield
    except InvalidError as wrong:
        wrong.hint = wrong.hint or (
            "" if file else f"Fields are options or stand in --file. See: regista {kind} create -h"
        )
        raise


def _own_options(kind: AssetKind) -> list[Callable[[Any], Any]]:
    """The options of ``create`` that only some kinds have, in reverse order."""
    types = TYPES[kind]
    if kind is AssetKind.ENVIRONMENT:
        return [
            click.option("-c", "--conda-file", help="The packages, as a conda file."),
            click.option("-i", "--image", help="The image that it is built upon."),
        ]
    path = click.option("-p", "--path", help="A file or folder here, or azureml://jobs/JOB/outputs/OUTPUT/paths/PATH.")
    if kind is AssetKind.COMPONENT:
        return []
    if kind is AssetKind.CODE:
        return [path]
    stage = [click.option("--stage", help="Such as Development or Production.")] if kind is AssetKind.MODEL else []
    return [*stage, click.option("-t", "--type", type=click.Choice(types), help=f"[default: {types[0]}]"), path]


def _from_here(path: str) -> str:
    """A path on the command line is relative to the current folder, those in a file to the file."""
    from regista.entities.documents.local_paths import is_local

    return str(Path(path.removeprefix("file:")).expanduser().absolute()) if is_local(path) else path


def _path_in(file: Path | None) -> str:
    from regista.client.documents import load_document

    return str(load_document(file).get("path", "")) if file else ""


def _is_of_job(path: str) -> bool:
    return path.startswith(("azureml://jobs/", "regista://jobs/", "runs:/"))


def _refuse_both() -> None:
    context = click.get_current_context()
    if context.get_parameter_source("workspace") is click.core.ParameterSource.COMMANDLINE:
        raise click.UsageError(
            "--workspace-name and --registry-name stand together only where --path is a job's output"
            " (azureml://jobs/…): the workspace says where the job is"
        )


def _add_show(group: click.Group, kind: AssetKind) -> None:
    @group.command(
        "show",
        epilog=f"Example: regista {kind} show churn:3 -w dev",
        help=f"Show a version of {_a(kind)}, the latest without version or label.",
    )
    @versioned
    @scoped
    def show_one(client: "Regista", output: str, name: str, version: str, label: str) -> None:
        show_version(client, assets_of(client, kind).get(name, version, label=label), output, whole=True)


def _add_list(group: click.Group, kind: AssetKind) -> None:
    @group.command(
        "list",
        epilog=f"Example: regista {kind} list --name churn -r central",
        help="List the names, newest first, or the versions of one name.",
    )
    @maybe_named
    @shown
    @click.option("--tag", multiple=True, metavar="KEY[=VALUE]", help="Only those with the tag; several: with all.")
    @max_results
    @scoped
    def list_them(
        client: "Regista",
        output: str,
        name: str,
        which: str,
        tag: tuple[str, ...],
        max_results: int | None,
    ) -> None:
        assets = assets_of(client, kind)
        wanted = assets.versions(name, show=which, tags=tag) if name else assets.list(show=which, tags=tag)
        found = list(islice(wanted, max_results))
        if name and not found:
            assets.get_asset(name)  # which says so when there is no such name
        extra = ("archived",) if which == "all" else ()
        show(found, output, (*(_VERSIONS if name else _NAMES), *extra))


def _add_update(group: click.Group, kind: AssetKind) -> None:
    @group.command(
        "update",
        epilog=f"Example: regista {kind} update churn:3 --set tags.approved=yes -r central",
        help="Change what is said about a version or, without one, about the name. Content never changes.",
    )
    @versioned
    @described
    @tagged("Replaces all tags.")
    @overriding("Such as tags.approved=yes.")
    @scoped
    def update(
        client: "Regista",
        output: str,
        name: str,
        version: str,
        label: str,
        description: str | None,
        tags: tuple[str, ...],
        overrides: tuple[str, ...],
    ) -> None:
        assets = assets_of(client, kind)
        version = assets.get(name, label=label).version if label else version
        changes: dict[str, Any] = {"description": description, "tags": pairs(tags, "tags") if tags else None}
        if overrides:
            changes |= _overridden(assets.get(name, version) if version else assets.get_asset(name), overrides)
        show_version(client, assets.update(name, version, **changes), output)


_CHANGEABLE = ("description", "tags", "properties", "stage")


def _overridden(current: Any, overrides: tuple[str, ...]) -> dict[str, Any]:
    """The changes that ``--set`` comes to."""
    from regista.client.documents import apply_overrides

    known = {field: value for field in _CHANGEABLE if (value := getattr(current, field, None)) is not None}
    changed = apply_overrides(known, overrides)
    if strange := sorted(set(changed) - set(known)):
        raise click.UsageError(f"--set changes {', '.join(known)}, not {strange[0]!r}")
    for field in ("tags", "properties"):
        if isinstance(changed.get(field), dict):
            changed[field] = {key: _text(value) for key, value in changed[field].items()}
    return {field: value for field, value in changed.items() if value != known[field]}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _add_hiding(group: click.Group, kind: AssetKind, verb: str, help_text: str) -> None:
    @group.command(verb, epilog=f"Example: regista {kind} {verb} churn:3 -w dev", help=help_text)
    @versioned
    @scoped
    def hide(client: "Regista", output: str, name: str, version: str, label: str) -> None:
        assets = assets_of(client, kind)
        version = assets.get(name, label=label).version if label else version
        show_version(client, getattr(assets, verb)(name, version), output)


def _add_delete(group: click.Group, kind: AssetKind) -> None:
    @group.command(
        "delete",
        epilog=f"Example: regista {kind} delete churn:3 -w dev --yes",
        help="Delete a version for good. Refused while something needs it; its number is not given away again.",
    )
    @versioned
    @unasked
    @scoped
    def delete(client: "Regista", output: str, name: str, version: str, label: str, yes: bool) -> None:
        if not (version or label):
            raise click.UsageError("say which version: NAME:VERSION or --version")
        assets = assets_of(client, kind)
        version = version or assets.get(name, label=label).version
        confirm(f"Delete {kind} {name}:{version} for good?", yes=yes)
        assets.delete(name, version)
        show({"deleted": f"{name}:{version}"}, output)


def _add_download(group: click.Group, kind: AssetKind) -> None:
    @group.command(
        "download",
        epilog=f"Example: regista {kind} download churn:3 -r central --download-path ./models",
        help="Bring the files of a version into a folder with its name, each verified. What is there is not sent again.",
    )
    @versioned
    @downloading
    @scoped
    def download(
        client: "Regista",
        output: str,
        name: str,
        version: str,
        label: str,
        download_path: Path,
        overwrite: bool,
    ) -> None:
        assets = assets_of(client, kind)
        version = version or assets.get(name, label=label).version
        folder = download_path / name
        manifest = assets.download(name, version, folder, overwrite=overwrite)
        if not manifest.files:
            say(f"{kind} {name}:{version} has no files: what it is stands in 'regista {kind} show {name}:{version}'.")
        answer = {"name": name, "version": version, "path": str(folder)}
        show(answer | {"files": len(manifest.files), "bytes": manifest.size}, output)


def _a(kind: AssetKind) -> str:
    if kind in {AssetKind.DATA, AssetKind.CODE}:
        return str(kind)
    return f"an {kind}" if kind is AssetKind.ENVIRONMENT else f"a {kind}"


def asset_group(kind: AssetKind, purpose: str) -> click.Group:
    """All verbs of one kind."""
    group = click.Group(kind.value, help=purpose)
    for add in (_add_create, _add_show, _add_list, _add_update):
        add(group, kind)
    _add_hiding(group, kind, "archive", "Hide a version, or without one the whole name, from lists and from latest.")
    _add_hiding(group, kind, "restore", "Undo archive.")
    for add in (_add_delete, _add_download, add_share):
        add(group, kind)
    group.add_command(alias_group(kind))
    return group


model = asset_group(AssetKind.MODEL, "Models of a workspace or a registry.")
environment = asset_group(AssetKind.ENVIRONMENT, "Environments of a workspace or a registry.")
component = asset_group(AssetKind.COMPONENT, "Components of a workspace or a registry.")
data = asset_group(AssetKind.DATA, "Data of a workspace or a registry.")
code = asset_group(AssetKind.CODE, "Code of a workspace or a registry: what jobs and components run.")
