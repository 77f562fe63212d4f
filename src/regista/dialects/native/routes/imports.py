"""Taking over what another tracking server or model registry recorded: one call a thing, each may be repeated."""

from collections.abc import Sequence

import msgspec
from litestar import Router, post, put
from litestar.handlers import BaseRouteHandler

from regista.entities.access import Caller
from regista.entities.asset import Asset, AssetVersion
from regista.entities.imported import (
    ImportedExperiment,
    ImportedModel,
    ImportedName,
    ImportedRun,
    ImportedTrace,
    ImportedVersion,
    ImportedWebhook,
)
from regista.entities.run import Experiment, LoggedModel, Metric
from regista.entities.scope import ScopeAddress, ScopeKind
from regista.entities.webhook import WebhookView
from regista.errors import InvalidError
from regista.services.house import House
from regista.services.registry.imports import Totals

_MOST = 10_000


class Points(msgspec.Struct, forbid_unknown_fields=True):
    """Values of metrics, in columns; a value that is null is not a number."""

    keys: list[str]
    values: list[float | None]
    timestamps: list[int]
    steps: list[int]

    def metrics(self) -> list[Metric]:
        """One by one; raise ``InvalidError`` when there are too many, or columns differ in length."""
        lengths = {len(self.keys), len(self.values), len(self.timestamps), len(self.steps)}
        if len(lengths) > 1 or len(self.keys) > _MOST:
            raise InvalidError(f"points come in columns of one length, at most {_MOST:,} at once")
        values = (float("nan") if value is None else value for value in self.values)
        return [*map(Metric, self.keys, values, self.timestamps, self.steps)]


class Counted(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be counted: ids of runs, of logged models, of traces and of webhooks, versions of a registered model."""

    runs: list[str] = []
    models: list[str] = []
    name: str = ""
    versions: list[str] = []
    traces: list[str] = []
    webhooks: list[str] = []


class RunImported(msgspec.Struct):
    """The run by its id."""

    name: str


class TraceImported(msgspec.Struct):
    """The trace by its id."""

    id: str


@put("/imports/experiments", sync_to_thread=True)
def import_experiment(caller: Caller, house: House, address: ScopeAddress, data: ImportedExperiment) -> Experiment:
    """The experiment of the name, under its old number where that is free."""
    return house.imports.experiment(caller, address, data)


@put("/imports/runs", sync_to_thread=True)
def import_run(caller: Caller, house: House, address: ScopeAddress, data: ImportedRun) -> RunImported:
    """A run under its id, with all but its metrics and files."""
    return RunImported(house.imports.run(caller, address, data).name)


@post("/imports/runs/{name:str}/metrics", sync_to_thread=True, status_code=204)
def import_points(caller: Caller, house: House, address: ScopeAddress, name: str, data: Points) -> None:
    """Values of metrics of a run; the same again counts once."""
    house.runs.log(caller, address, name, metrics=data.metrics())


@put("/imports/loggedModels", sync_to_thread=True)
def import_logged_model(caller: Caller, house: House, address: ScopeAddress, data: ImportedModel) -> LoggedModel:
    """A logged model under its id, without its files."""
    return house.imports.model(caller, address, data)


@put("/imports/traces", sync_to_thread=True)
def import_trace(caller: Caller, house: House, address: ScopeAddress, data: ImportedTrace) -> TraceImported:
    """A trace under its id, without its spans."""
    return TraceImported(house.llm_traces.put(caller, address, data.trace()).id)


@put("/imports/webhooks", sync_to_thread=True)
def import_webhook(caller: Caller, house: House, address: ScopeAddress, data: ImportedWebhook) -> WebhookView:
    """A webhook, disabled and without a secret."""
    return WebhookView.of(house.webhooks.take_over(caller, address, data))


@put("/imports/models", sync_to_thread=True)
def import_name(caller: Caller, house: House, address: ScopeAddress, data: ImportedName) -> Asset:
    """A registered model, with the aliases whose versions are here."""
    return house.imports.name(caller, address, data)


@put("/imports/versions", sync_to_thread=True)
def import_version(caller: Caller, house: House, address: ScopeAddress, data: ImportedVersion) -> AssetVersion:
    """A version under its number, of files that were imported before."""
    home = ScopeAddress.parse(ScopeKind.WORKSPACE, data.home) if data.home else None
    return house.imports.version(caller, address, data, home)


@post("/imports/totals", sync_to_thread=True, status_code=200)
def count_imports(caller: Caller, house: House, address: ScopeAddress, data: Counted) -> Totals:
    """How much of these is here."""
    return house.imports.totals(
        caller,
        address,
        runs=data.runs,
        models=data.models,
        name=data.name,
        versions=data.versions,
        traces=data.traces,
        webhooks=data.webhooks,
    )


IN_WORKSPACES: Sequence[BaseRouteHandler | Router] = (
    import_experiment,
    import_run,
    import_points,
    import_logged_model,
    import_trace,
)
IN_BOTH: Sequence[BaseRouteHandler | Router] = (import_name, import_version, import_webhook, count_imports)
