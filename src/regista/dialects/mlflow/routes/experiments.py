"""Experiments."""

from regista.dialects.desk import Pace
from regista.dialects.mlflow import limits, render, wire
from regista.dialects.mlflow.call import Call, Route
from regista.dialects.mlflow.errors import missing, too_long
from regista.dialects.mlflow.render import Json
from regista.dialects.mlflow.searches import EXPERIMENTS
from regista.dialects.mlflow.states import deleted_of
from regista.entities.page import MAX_PAGE, PageRequest
from regista.entities.run import Experiment
from regista.entities.search import Field, Order
from regista.errors import AlreadyExistsError, InvalidError
from regista.services.tracking.experiments import MAX_NAME

_MOST = 50_000
_MOST_EXPERIMENTS, _MOST_DATASETS = 20, 1000


def create(call: Call, asked: wire.CreateExperiment) -> Json:
    """Make an experiment; its files are kept here and nowhere else."""
    if len(asked.name) > MAX_NAME:
        raise too_long("name", MAX_NAME)
    if asked.artifact_location:
        raise InvalidError(
            f"Regista keeps the artifacts of experiments itself, not at {asked.artifact_location[:100]!r}",
            hint="Leave artifact_location out; bind the workspace's region to a store instead.",
        )
    tags = limits.pairs(asked.tags, "tags", limits.MAX_EXPERIMENT_TAG)
    try:
        made = call.house.experiments.create(call.caller, call.address, asked.name, tags)
    except AlreadyExistsError as taken:
        raise AlreadyExistsError(f"Experiment(name={asked.name}) already exists", hint=taken.hint) from taken
    return {"experiment_id": str(made.number)}


def get(call: Call, asked: wire.ExperimentId) -> Json:
    """By number."""
    number = limits.experiment_number(asked.experiment_id)
    return {"experiment": render.experiment(call, call.house.experiments.get(call.caller, call.address, number))}


def get_by_name(call: Call, asked: wire.ExperimentName) -> Json:
    """By name, deleted ones too."""
    found = call.house.experiments.get_by_name(call.caller, call.address, asked.experiment_name)
    return {"experiment": render.experiment(call, found)}


def search(call: Call, asked: wire.SearchExperiments) -> Json:
    """By name, time and tags; the latest made first unless another order is asked for."""
    limit = limits.check_results(asked.max_results, _MOST)
    clauses, orders = EXPERIMENTS.clauses(asked.filter), EXPERIMENTS.orders(asked.order_by)
    orders = orders or [
        Order(Field.ATTRIBUTE, "creation_time", ascending=False),
        Order(Field.ATTRIBUTE, "experiment_id"),
    ]
    if all(order.key != "experiment_id" for order in orders):
        orders.append(Order(Field.ATTRIBUTE, "experiment_id", ascending=False))
    found: list[Experiment] = []
    cursor = asked.page_token or None
    while len(found) < limit:
        page = call.house.experiments.search(
            call.caller,
            call.address,
            clauses,
            orders,
            PageRequest(min(MAX_PAGE, limit - len(found)), cursor),
            deleted=deleted_of(asked.view_type),
        )
        found += page.items
        cursor = page.next
        if cursor is None:
            break
    return render.paged("experiments", (render.experiment(call, one) for one in found), cursor)


def update(call: Call, asked: wire.UpdateExperiment) -> None:
    """Rename."""
    if not asked.new_name:
        raise missing("new_name")
    number = limits.experiment_number(asked.experiment_id)
    call.house.experiments.rename(call.caller, call.address, number, asked.new_name)


def delete(call: Call, asked: wire.ExperimentId) -> None:
    """Hide it with its runs."""
    call.house.experiments.delete(call.caller, call.address, limits.experiment_number(asked.experiment_id))


def restore(call: Call, asked: wire.ExperimentId) -> None:
    """Bring it back."""
    call.house.experiments.restore(call.caller, call.address, limits.experiment_number(asked.experiment_id))


def set_tag(call: Call, asked: wire.SetExperimentTag) -> None:
    """Set or replace a tag."""
    key = limits.check_key(asked.key, "key")
    value = limits.tag_value(asked.value, limits.MAX_EXPERIMENT_TAG)
    number = limits.experiment_number(asked.experiment_id)
    call.house.experiments.set_tag(call.caller, call.address, number, key, value)


def delete_tag(call: Call, asked: wire.SetExperimentTag) -> None:
    """Remove a tag."""
    number = limits.experiment_number(asked.experiment_id)
    call.house.experiments.delete_tag(call.caller, call.address, number, asked.key)


def search_datasets(call: Call, asked: wire.SearchDatasets) -> Json:
    """Which data sets runs of experiments used, and for what."""
    if not asked.experiment_ids:
        raise InvalidError("SearchDatasets request must specify at least one experiment_id.")
    if len(asked.experiment_ids) > _MOST_EXPERIMENTS:
        raise InvalidError(
            f"SearchDatasets request cannot specify more than {_MOST_EXPERIMENTS} experiment_ids."
            f" Received {len(asked.experiment_ids)} experiment_ids."
        )
    numbers = [limits.experiment_number(text) for text in asked.experiment_ids]
    found = call.house.run_search.datasets(call.caller, call.address, numbers, _MOST_DATASETS)
    return {"dataset_summaries": [_summary(*one) for one in found]}


def _summary(experiment: int, name: str, digest: str, context: str) -> Json:
    said = {"experiment_id": str(experiment), "name": name, "digest": digest}
    return said | {"context": context} if context else said


ROUTES = {
    ("POST", "experiments/create"): Route(create, wire.CreateExperiment, pace=Pace.ENTRY),
    ("GET", "experiments/get"): Route(get, wire.ExperimentId, pace=Pace.GLANCE),
    ("GET", "experiments/get-by-name"): Route(get_by_name, wire.ExperimentName, pace=Pace.GLANCE),
    ("POST", "experiments/search"): Route(search, wire.SearchExperiments, pace=Pace.SEARCH),
    ("GET", "experiments/search"): Route(search, wire.SearchExperiments, pace=Pace.SEARCH),
    ("POST", "experiments/search-datasets"): Route(search_datasets, wire.SearchDatasets, pace=Pace.SEARCH),
    ("POST", "experiments/update"): Route(update, wire.UpdateExperiment, pace=Pace.ENTRY),
    ("POST", "experiments/delete"): Route(delete, wire.ExperimentId),
    ("POST", "experiments/restore"): Route(restore, wire.ExperimentId),
    ("POST", "experiments/set-experiment-tag"): Route(set_tag, wire.SetExperimentTag, pace=Pace.ENTRY),
    ("POST", "experiments/delete-experiment-tag"): Route(delete_tag, wire.SetExperimentTag),
}
