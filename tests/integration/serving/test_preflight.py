"""Everything that would make a deployment fail is told, with its fix, before a process is started."""

from typing import Any

import pytest

from regista.entities.access import Caller
from regista.entities.asset import AssetKind
from regista.errors import ForbiddenError, InvalidError, NotFoundError, RegistaError, TooLargeError, UnsupportedError
from regista.services.access.access import SYSTEM
from tests.support.houses import manifest_of
from tests.support.scoring import Site

GOOD_MODEL = {"MLmodel": b"flavors: {}\n", "conda.yaml": b"dependencies:\n- python=3.11\n"}
BOMB = b"a: &a [x, x]\nb: &b [*a, *a]\ndependencies: [*b, *b]\n"


@pytest.fixture
def endpoint(site: Site) -> Site:
    """A workspace with the endpoint ``flights``."""
    site.endpoint()
    return site


def scored(site: Site, content: str, script: str = "score.py") -> dict[str, Any]:
    """Fields of a deployment whose code is *content*."""
    return {"code_configuration": {"code": site.code(content), "scoring_script": script}}


def mlflow(site: Site, files: dict[str, bytes], type_: str = "mlflow_model") -> dict[str, Any]:
    """Fields of a deployment without code, of a model of *files*."""
    made = site.people.version(site.scope, name="m", type=type_, files=files)
    return {"model": f"azureml:m:{made.version}", "code_configuration": None, "environment": None}


def without_blob(site: Site) -> dict[str, Any]:
    """A model whose bytes have vanished from the store."""
    made = site.people.version(site.scope, name="holed", files={"weights.bin": b"these will vanish"})
    store = site.house.contents.store(site.scope)
    for entry in manifest_of({"weights.bin": b"these will vanish"}).files:
        store.delete(entry.digest)
    return {"model": f"azureml:holed:{made.version}"}


INIT, RUN = "def init(): pass\n", "def run(raw): return 1\n"
CASES: dict[str, tuple[Any, str, type[RegistaError]]] = {
    "model": (lambda _: {"model": "azureml:nothing:1"}, "nothing", NotFoundError),
    "model version": (lambda _: {"model": "azureml:churn:77"}, "77", NotFoundError),
    "a registry that is not there": (
        lambda _: {"model": "azureml://registries/nowhere/models/m/versions/1"}, "nowhere", NotFoundError),
    "model files": (without_blob, "weights.bin", NotFoundError),
    "a model that needs code": (lambda site: mlflow(site, GOOD_MODEL, "custom_model"), "cannot be served without code", InvalidError),
    "an MLflow model without MLmodel": (lambda site: mlflow(site, {"x": b"1"}), "no MLmodel", InvalidError),
    "an MLflow model without environment": (lambda site: mlflow(site, {"MLmodel": b"{}"}), "neither conda.yaml nor", InvalidError),
    "a hostile environment in a model": (lambda site: mlflow(site, GOOD_MODEL | {"conda.yaml": BOMB}), "aliases", InvalidError),
    "environment": (lambda _: {"environment": "azureml:nothing:1"}, "nothing", NotFoundError),
    "no environment": (lambda _: {"environment": None}, "no environment", InvalidError),
    "an environment that cannot be built": (
        lambda _: {"environment": {"image": "ubuntu:22.04"}}, "container", UnsupportedError),
    "code": (lambda _: {"code_configuration": {"code": "azureml:nothing:1", "scoring_script": "score.py"}}, "nothing", NotFoundError),
    "the script": (lambda site: scored(site, INIT + RUN, "other.py"), "other.py", NotFoundError),
    "a script without run": (lambda site: scored(site, INIT), "no run()", InvalidError),
    "a script without init": (lambda site: scored(site, RUN), "no init()", InvalidError),
    "a script that is not Python": (lambda site: scored(site, "def init(:\n"), "line 1", InvalidError),
    "instances": (lambda _: {"instance_count": 500}, "500", TooLargeError),
    "an inline model": (lambda _: {"model": {"path": "azureml:churn:1"}}, "reference to a registered model", InvalidError),
    "nothing to serve": (lambda _: {"model": None, "code_configuration": None}, "neither a model nor code", InvalidError),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_would_fail_is_told_with_its_fix_and_refused(endpoint: Site, case: str) -> None:
    wrong, said, kind = CASES[case]
    document = endpoint.document(**wrong(endpoint))
    checks = endpoint.house.preflight.can_i_deploy(SYSTEM, endpoint.scope.address, document)
    failing = [check for check in checks if not check.ok]
    assert any(said in check.what for check in failing), checks
    assert all(check.fix for check in failing)
    with pytest.raises(kind, match="would fail"):
        endpoint.house.deployments.put(SYSTEM, endpoint.scope.address, document)
    with pytest.raises(NotFoundError):
        endpoint.get()
    assert not [key for key in endpoint.house.serving.generations() if key.scope_id == endpoint.scope.id]


@pytest.mark.parametrize(
    "content",
    ["from init_and_run import init, run\n", "try:\n    from fast import run\nexcept ImportError:\n    run = None\ninit = print\n", "from everything import *\n"],
)  # fmt: skip
def test_a_script_may_get_its_functions_from_elsewhere(endpoint: Site, content: str) -> None:
    checks = endpoint.house.preflight.can_i_deploy(
        SYSTEM, endpoint.scope.address, endpoint.document(**scored(endpoint, content))
    )
    assert all(check.ok for check in checks), checks


def test_all_is_well_for_a_script_and_for_an_mlflow_model(endpoint: Site) -> None:
    for fields in ({}, mlflow(endpoint, GOOD_MODEL)):
        checks = endpoint.house.preflight.can_i_deploy(SYSTEM, endpoint.scope.address, endpoint.document(**fields))
        assert all(check.ok for check in checks), checks
        assert {"model", "disk", "environment"} <= {check.name for check in checks}


def test_an_endpoint_that_is_not_there_is_told(site: Site) -> None:
    checks = site.house.preflight.can_i_deploy(SYSTEM, site.scope.address, site.document())
    assert [check.name for check in checks if not check.ok] == ["endpoint"]


class TestRights:
    """Who may not do it is told so; who may not see it is told that it is not there."""

    def ask(self, site: Site, caller: Caller, **fields: Any) -> list[str]:
        """The names of the checks that fail."""
        checks = site.house.preflight.can_i_deploy(caller, site.scope.address, site.document(**fields))
        return [check.name for check in checks if not check.ok]

    def test_a_reader_may_not_deploy(self, endpoint: Site) -> None:
        reader = endpoint.people.somebody(f"reader{endpoint.scope.name}", reader=endpoint.scope.path)
        assert self.ask(endpoint, reader) == ["rights"]
        with pytest.raises(ForbiddenError):
            endpoint.house.deployments.put(reader, endpoint.scope.address, endpoint.document())

    def test_a_stranger_sees_no_workspace(self, endpoint: Site) -> None:
        stranger = endpoint.people.somebody(f"stranger{endpoint.scope.name}")
        assert self.ask(endpoint, stranger)[0] == "workspace"
        with pytest.raises(NotFoundError):
            endpoint.house.deployments.put(stranger, endpoint.scope.address, endpoint.document())

    def test_a_model_in_a_registry_that_one_may_not_read_is_not_there(self, endpoint: Site) -> None:
        registry = endpoint.people.registry(f"r{endpoint.scope.name}")
        endpoint.people.version(registry, AssetKind.MODEL, name="secret")
        scientist = endpoint.people.somebody(f"ds{endpoint.scope.name}", data_scientist=endpoint.scope.path)
        model = f"azureml://registries/{registry.name}/models/secret/versions/1"
        assert self.ask(endpoint, scientist, model=model) == ["model"]
        assert self.ask(endpoint, SYSTEM, model=model) == []

    def test_keys_and_values_of_variables_are_not_for_readers(self, endpoint: Site) -> None:
        endpoint.house.deployments.put(
            SYSTEM, endpoint.scope.address, endpoint.document(environment_variables={"TOKEN": "s3cret"})
        )
        reader = endpoint.people.somebody(f"reader{endpoint.scope.name}", reader=endpoint.scope.path)
        seen = endpoint.house.deployments.get(reader, endpoint.scope.address, "flights", "blue")
        assert seen.environment_variables == {"TOKEN": "***"}
        assert "s3cret" not in str(seen)
        for refused in (
            lambda: endpoint.house.endpoints.keys(reader, endpoint.scope.address, "flights"),
            lambda: endpoint.house.deployments.log(reader, endpoint.scope.address, "flights", "blue"),
            lambda: endpoint.house.endpoints.regenerate(reader, endpoint.scope.address, "flights", "primary"),
            lambda: endpoint.house.endpoints.delete(reader, endpoint.scope.address, "flights"),
            lambda: endpoint.house.deployments.delete(reader, endpoint.scope.address, "flights", "blue"),
        ):
            with pytest.raises(ForbiddenError):
                refused()
