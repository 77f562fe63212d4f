"""A job reads what lies in another workspace's store: files behind its datastore, what its jobs left, and its versions."""

import pytest

from regista.entities.access import PrincipalKind
from regista.entities.asset import AssetKind
from regista.entities.datastore import files_container
from regista.entities.job import JobStatus
from regista.entities.scope import ScopeAddress, ScopeKind, Store
from regista.errors import ForbiddenError, NotFoundError
from regista.services.access.access import SYSTEM
from regista.services.datastores.files import Labels
from regista.services.jobs.plans import job_node
from regista.services.scopes.scopes import NewScope
from tests.support.workplace import PLAIN, Workplace

FAR = ScopeAddress(ScopeKind.WORKSPACE, "far")
PATHS = "azureml://workspaces/far/datastores/workspaceblobstore/paths"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    home = tmp_path_factory.mktemp("place")
    place = Workplace(home)
    place.house.stores.put(SYSTEM, Store(name="far", url=f"file://{home / 'far'}", regions=("far",)))
    place.house.scopes.create(place.caller, NewScope(kind=ScopeKind.WORKSPACE, name="far", location="far"))
    assert place.store(FAR) is not place.store(place.dev)
    yield place
    place.close()


def put(place, path, content):
    container = files_container(place.house.scopes.get(SYSTEM, FAR).id)
    upload = place.house.files.begin(place.caller, container, path)
    upload.write(content)
    upload.commit(Labels())


def collect(place):
    """Remove whatever nothing names, however young it is."""
    for _ in range(2):
        place.house.collection.collect(SYSTEM, grace_seconds=-1)


def reads(path, kind="uri_folder", command="cat ${{inputs.d}}/x"):
    return {"command": command, "environment": PLAIN, "inputs": {"d": {"type": kind, "path": path}}}


def test_a_folder_and_a_file_behind_a_datastore(place):
    put(place, "in/x", b"from afar\n")
    folder = place.run(reads(f"{PATHS}/in"))
    file = place.run(reads(f"{PATHS}/in/x", "uri_file", "cat ${{inputs.d}}"))
    for job in (folder, file):
        assert job.status is JobStatus.COMPLETED, job.error
        assert place.log(job.name).endswith("from afar\n")


def test_what_was_there_at_submission_is_read_whatever_becomes_of_the_path(place):
    put(place, "changing/x", b"as it was\n")
    job = place.submit(reads(f"{PATHS}/changing"))
    put(place, "changing/x", b"as it is now\n")
    collect(place)
    place.work()
    assert place.log(job.name).endswith("as it was\n")
    collect(place)
    assert place.store(FAR).exists(place.job(job.name).inputs["d"].manifest), "the record of a job ends with the job"


@pytest.mark.parametrize("where", ["far", "dev"])
def test_what_a_step_will_read_that_is_not_made_yet_is_kept(place, where):
    paths = PATHS.replace("far", where)
    container = files_container(place.house.scopes.get(SYSTEM, ScopeAddress(ScopeKind.WORKSPACE, where)).id)

    def write(content):
        upload = place.house.files.begin(place.caller, container, "later/x")
        upload.write(content)
        upload.commit(Labels())

    write(b"as it was\n")
    first = {"command": "echo 1 > ${{outputs.o}}/y", "environment": PLAIN, "outputs": {"o": {}}}
    second = reads(f"{paths}/later", command="cat ${{inputs.d}}/x ${{inputs.after}}/y")
    second["inputs"]["after"] = {"type": "uri_folder", "path": "${{parent.jobs.first.outputs.o}}"}
    inner = {"type": "pipeline", "jobs": {"first": first, "second": second}}
    job = place.submit({"type": "pipeline", "jobs": {"inner": inner}})
    write(b"as it is now\n")
    collect(place)
    place.work()
    assert place.job(job.name).status is JobStatus.COMPLETED, place.job(job.name).error
    step = place.steps(place.steps(job.name)["inner"].name)["second"]
    assert place.log(step.name).endswith("as it was\n1\n")


def test_what_a_job_there_left_also_a_part_of_it(place):
    made = {
        "command": "mkdir ${{outputs.o}}/in; echo 1 > ${{outputs.o}}/in/x",
        "environment": PLAIN,
        "outputs": {"o": {}},
    }
    made = place.house.jobs.submit(place.caller, FAR, made, name="made")
    place.work()
    job = place.submit(reads("azureml://workspaces/far/jobs/made/outputs/o/paths/in"))
    collect(place)
    place.work()
    assert place.log(job.name).endswith("1\n")
    assert ("input:d", job_node(made.scope_id, "made")) in place.edges(job_node(job.scope_id, job.name))


def test_a_version_there(place):
    place.asset(AssetKind.DATA, {"x": "version\n"}, scope=FAR, name="rows", type="uri_folder")
    job = place.run(reads("azureml://workspaces/far/data/rows/versions/1"))
    assert place.log(job.name).endswith("version\n")


def test_only_for_who_may_read_there(place):
    put(place, "mine/x", b"x")
    place.house.principals.create(SYSTEM, "bea", PrincipalKind.USER)
    place.house.principals.assign(SYSTEM, "bea", "Data Scientist", place.house.scopes.get(SYSTEM, place.dev).path)
    with pytest.raises((NotFoundError, ForbiddenError)):
        place.submit(reads(f"{PATHS}/mine"), caller=place.login("bea"))
