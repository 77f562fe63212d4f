"""A door or a route without a row is one that nobody has thought about."""

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from regista import dialects
from regista.dialects.azureblob.app import AzureBlob
from regista.dialects.azureml.places import place_of
from regista.dialects.azureml.routes import ROUTES as AZUREML
from regista.dialects.mlflow.app import Mlflow, _place, _route
from regista.dialects.mlflow.downloads import ADDRESSES, is_address
from regista.dialects.mlflow.files import service_of
from regista.dialects.mlflow.routes import ROUTES as MLFLOW, TEMPLATES, workspaces
from regista.entities.asset import AssetKind
from tests.integration.isolation import table_azureml, table_mlflow as mlflow
from tests.integration.isolation.table import Verb
from tests.integration.isolation.test_azureml import IN_A_WORKSPACE
from tests.integration.isolation.world import World

DOORS = {"native", "mlflow", "azureml", "azureblob"}


def test_there_are_no_other_doors(world: World) -> None:
    """The native one's routes are compared in test_table, the others' here."""
    folders = {path.name for path in Path(dialects.__path__[0]).iterdir() if (path / "app.py").is_file()}
    assert folders == DOORS
    assert len(world.ask.application._dialects) == len(DOORS)


def paths(verbs: Iterable[Verb], **open_parts: str) -> Iterable[tuple[str, str]]:
    """Method and path of each row, with anything in its open places."""
    for verb in verbs:
        yield verb.method, urlsplit(verb.path.format_map(_Any(open_parts))).path


class _Any(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "any"


def test_every_route_of_azureml_has_its_row() -> None:
    known = set(table_azureml.ELSEWHERE)
    for place, scopes in (("dev", "workspaces"), ("central", "registries")):
        rows = IN_A_WORKSPACE if place == "dev" else (*table_azureml.OF_A_REGISTRY, *table_azureml.OF_A_REGISTRY_ASSET)
        for kind in AssetKind:
            verbs = (*rows, *table_azureml.of_assets(place, kind))
            for method, path in paths(verbs, scopes=scopes, kinds=kind.plural):
                where = place_of(path)
                found = AZUREML.find(method, where)
                assert not isinstance(found, list), (method, path)
                known.add((where.service, str(where.level), method, found[0].template))
    served = {
        (route.service, str(level), route.method, route.template) for route in AZUREML.all for level in route.levels
    }
    assert served - known == set()
    assert known - served == set()


@pytest.mark.parametrize("address", ["path", "header"])
def test_every_route_of_mlflow_has_its_row(address: str) -> None:
    verbs = (*mlflow.OF_MODELS, *mlflow.OF_SCOPES, *mlflow.IN_A_WORKSPACE)
    tables = [MLFLOW, TEMPLATES]
    if address == "header":
        verbs = (*mlflow.by_header(verbs), *mlflow.OF_WORKSPACES)
        tables += [workspaces.ROUTES, workspaces.TEMPLATES]
    served = {id(route): f"{method} {path}" for table in tables for (method, path), route in table.items()}
    known = set()
    for method, path in paths(verbs, scopes="workspaces"):
        place = _place(path)
        assert place is not None, path
        found = _route(method, place)
        if not is_address(place.rest) and "mlflow-artifacts/" not in place.rest:
            assert not isinstance(found, int), (method, path)
            known.add(served[id(found[0])])
    missing = set(served.values()) - known - mlflow.ELSEWHERE.keys()
    assert missing == set()


def test_every_way_to_a_file_of_mlflow_has_its_row(world: World) -> None:
    files, downloads = set(), set()
    for method, path in paths(
        mlflow.OF_FILES + mlflow.OF_MODELS + mlflow.OF_LOGGED_MODELS + mlflow.OF_TRACES, scopes="workspaces"
    ):
        place = _place(path)
        if place is not None and is_address(place.rest):
            downloads.add(place.rest.replace("/any/", "/ID/"))
        elif place is not None and "mlflow-artifacts/" in place.rest:
            files.add((method, service_of(place.rest)[0]))
    assert files == Mlflow(world.house)._files.handlers.keys()
    assert downloads == ADDRESSES


def test_every_route_of_the_blob_protocol_has_its_row(world: World) -> None:
    served = AzureBlob(world.house)
    blobs, containers = set(), set()
    for verb in table_azureml.OF_BYTES:
        path, _, query = verb.path.removeprefix(table_azureml.BLOB).partition("?")
        comp = dict(pair.split("=", 1) for pair in query.split("&") if pair).get("comp", "")
        (blobs if path else containers).add((verb.method, comp))
    assert blobs == served._blobs.keys()
    assert containers == served._containers.keys()
