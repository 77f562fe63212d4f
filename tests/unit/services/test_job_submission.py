"""Submitting: what is resolved, what is refused, and with whose rights."""

import pytest

from regista.entities.access import PrincipalKind
from regista.entities.asset import AssetKind
from regista.entities.job import JobStatus
from regista.entities.page import PageRequest
from regista.errors import (
    AlreadyExistsError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    RegistaError,
    UnsupportedError,
)
from regista.services.access.access import SYSTEM
from regista.services.jobs.jobs import JobChange
from regista.services.jobs.plans import command_plan
from tests.support.workplace import PLAIN, Workplace


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = Workplace(tmp_path_factory.mktemp("place"))
    place.asset(AssetKind.ENVIRONMENT, {}, name="plain", spec={"conda": {"dependencies": ["pip"]}})
    place.asset(AssetKind.DATA, {"a.csv": "1", "b.csv": "2"}, name="rows", type="uri_folder")
    place.asset(AssetKind.DATA, {"one.csv": "1,2"}, name="one", type="uri_file")
    yield place
    place.close()


def document(**fields):
    return {"command": "true", "environment": "azureml:plain@latest", **fields}


class TestIdempotence:
    def test_the_same_document_under_the_same_name_is_the_same_job(self, place):
        first = place.submit(document(), "again")
        assert place.submit(document(), "again") == first

    def test_another_document_under_a_taken_name_is_refused(self, place):
        place.submit(document(), "taken")
        with pytest.raises(AlreadyExistsError, match="taken"):
            place.submit(document(command="false"), "taken")

    def test_a_label_that_moved_meanwhile_changes_nothing_about_submitting_again(self, place):
        first = place.submit(document(), "steady")
        place.asset(AssetKind.ENVIRONMENT, {}, name="plain", spec={"conda": {"dependencies": ["python", "pip"]}})
        assert place.submit(document(), "steady") == first
        later = place.submit(document(), "later")
        assert command_plan(later).environment.node != command_plan(first).environment.node


class TestResolution:
    def test_references_become_exact_versions(self, place):
        job = place.submit(document(inputs={"d": {"path": "azureml:rows@latest"}}))
        binding = job.inputs["d"]
        assert binding.node.endswith("/data/rows/1")
        assert binding.reference.endswith("/data/rows/versions/1")
        assert binding.manifest

    def test_a_curated_name_needs_no_registration(self, place):
        for name in (
            "sklearn-1.5",
            "AzureML-sklearn-1.5@latest",
            "azureml://registries/azureml/environments/sklearn-1.5",
        ):
            plan = command_plan(place.submit(document(environment=name)))
            assert plan.environment.given == name
            assert "/environment/anonymous/" in plan.environment.node

    def test_a_name_that_does_not_ship_is_told_with_where_those_are_that_do(self, place):
        with pytest.raises(NotFoundError, match="no environment 'sklearn-9' ships with Regista") as refusal:
            place.submit(document(environment="azureml://registries/azureml/environments/sklearn-9/labels/latest"))
        assert "--registry-name azureml" in refusal.value.hint
        with pytest.raises(NotFoundError, match="there is no environment 'sklearn-9'") as refusal:
            place.submit(document(environment="azureml:sklearn-9@latest"))
        assert "-r azureml" in refusal.value.hint

    def test_inline_environments_of_the_same_content_are_one_version(self, place):
        first, second = (place.submit(document(environment=PLAIN)) for _ in range(2))
        assert command_plan(first).environment == command_plan(second).environment

    def test_git_state_that_the_client_sends_is_kept_as_properties_and_tags(self, place):
        job = place.submit(document(properties={"mlflow.source.git.commit": "abc"}, tags={"k": "v"}))
        assert job.properties["mlflow.source.git.commit"] == "abc"
        tags = place.house.jobs.tags(place.caller, place.dev, (job,))[job.name]
        assert tags == {"mlflow.source.git.commit": "abc", "k": "v"}

    def test_an_experiment_is_made_by_its_name(self, place):
        job = place.submit(document(experiment_name="trees"))
        found = place.house.catalog.read(lambda tx: tx.experiments.get(job.scope_id, job.experiment))
        assert found.name == "trees"


class TestRefusals:
    @pytest.mark.parametrize(
        ("fields", "error", "said"),
        [
            ({"environment": None}, InvalidError, "environment"),
            ({"environment": "azureml:nowhere@latest"}, NotFoundError, "environment: .*nowhere"),
            ({"environment": {"image": "ubuntu:24.04"}}, UnsupportedError, "container"),
            ({"environment": {"conda_file": "conda.yml"}}, InvalidError, "environment: conda_file"),
            ({"code": "./src"}, InvalidError, "code"),
            ({"code": "git+https://example.org/x"}, UnsupportedError, "code"),
            ({"inputs": {"x": {"path": "azureml:absent:1"}}}, NotFoundError, r"inputs\.x: .*absent"),
            ({"inputs": {"x": {"path": "./data"}}}, InvalidError, r"inputs\.x"),
            ({"inputs": {"x": {"type": "uri_file", "path": "azureml:rows:1"}}}, InvalidError, "2 files"),
            ({"inputs": {"x": {"type": "uri_file", "path": "http://example.org/x"}}}, UnsupportedError, "https"),
            ({"inputs": {"x": {"path": "https://example.org/x"}}}, UnsupportedError, "one file"),
            ({"inputs": {"x": {"path": "azureml://datastores/d/paths/p"}}}, NotFoundError, "no datastore"),
            ({"inputs": {"x": {"path": "azureml://jobs/nope/outputs/o"}}}, NotFoundError, "nope"),
            ({"inputs": {"x": {"type": "integer", "value": "many"}}}, InvalidError, r"inputs\.x"),
            ({"resources": {"instance_count": 2}}, UnsupportedError, "instance_count|one machine"),
            ({"command": "echo ${{inputs.nothing}}"}, InvalidError, "nothing"),
            ({"comand": "x"}, InvalidError, "comand"),
            ({"type": "sweep"}, UnsupportedError, "sweep"),
        ],
    )
    def test_what_could_not_run_is_refused_with_its_place_and_leaves_nothing(self, place, fields, error, said):
        given = {key: value for key, value in document(**fields).items() if value is not None}
        with pytest.raises(RegistaError, match=said) as refused:
            place.submit(given, "refused")
        assert isinstance(refused.value, error)
        with pytest.raises(NotFoundError):
            place.job("refused")

    def test_a_registry_runs_no_jobs(self, place):
        with pytest.raises(InvalidError, match="workspaces"):
            place.house.jobs.submit(place.caller, place.central, document())


class TestRights:
    @pytest.fixture
    def reader(self, place):
        place.house.principals.create(SYSTEM, "reader", PrincipalKind.USER)
        scope = place.house.scopes.get(place.caller, place.dev)
        place.house.principals.assign(SYSTEM, "reader", "Reader", scope.path)
        return place.login("reader")

    def test_who_may_only_read_submits_and_cancels_nothing(self, place, reader):
        with pytest.raises(ForbiddenError, match="jobs/write"):
            place.submit(document(), caller=reader)
        job = place.submit(document())
        with pytest.raises(ForbiddenError, match="jobs/cancel"):
            place.house.jobs.cancel(reader, place.dev, job.name)
        with pytest.raises(ForbiddenError, match="jobs/logs"):
            place.house.job_files.log(reader, place.dev, job.name)
        assert place.house.jobs.get(reader, place.dev, job.name).name == job.name

    def test_for_a_stranger_there_is_no_workspace(self, place):
        place.house.principals.create(SYSTEM, "stranger", PrincipalKind.USER)
        with pytest.raises(NotFoundError):
            place.submit(document(), caller=place.login("stranger"))

    def test_an_output_that_could_not_be_registered_is_refused_before_anything_runs(self, place):
        limited = place.login("ada", permissions=("scopes/read", "jobs/*", "assets/read", "assets/download"))
        with pytest.raises(RegistaError, match=r"outputs\.m"):
            place.submit(document(outputs={"m": {"type": "custom_model", "name": "m"}}), caller=limited)

    def test_the_rights_of_a_jobs_key_are_never_wider_than_those_it_was_submitted_with(self, place):
        limited = place.login("ada", permissions=("scopes/read", "jobs/*", "assets/read"))
        job = place.submit(document(), caller=limited)
        assert "assets/write" not in job.properties["regista.rights"]
        assert "jobs/write" in job.properties["regista.rights"]


class TestChanges:
    def test_a_queued_job_is_canceled_at_once(self, place):
        job = place.submit(document())
        assert place.house.jobs.cancel(place.caller, place.dev, job.name).status is JobStatus.CANCELED
        assert place.house.jobs.cancel(place.caller, place.dev, job.name).status is JobStatus.CANCELED

    def test_archived_jobs_leave_the_list(self, place):
        job = place.submit(document())
        place.house.jobs.update(place.caller, place.dev, job.name, JobChange(archived=True, display_name="old"))
        names = {one.name for one in place.house.jobs.page(place.caller, place.dev, PageRequest(limit=1000)).items}
        assert job.name not in names
        assert place.job(job.name).display_name == "old"
