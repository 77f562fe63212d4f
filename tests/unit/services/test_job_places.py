"""Outputs that go to a path of a datastore: what is written, who may, what becomes of it, and what is never half there."""

import pytest

from regista.entities.access import Permission, PrincipalKind
from regista.entities.asset import AssetKind
from regista.entities.datastore import files_container
from regista.entities.job import JobStatus
from regista.entities.scope import ScopeAddress, ScopeKind
from regista.errors import ForbiddenError, InvalidError, NotFoundError, RegistaError, UnsupportedError
from regista.services.access.access import SYSTEM
from regista.services.assets.versions import NewVersion
from regista.services.datastores.datastores import NewDatastore
from regista.services.datastores.files import Labels
from regista.services.jobs.plans import job_node
from regista.services.scopes.scopes import NewScope
from tests.support.workplace import PLAIN, Workplace

STORE = "azureml://datastores/workspaceblobstore/paths"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = Workplace(tmp_path_factory.mktemp("place"))
    place.house.scopes.create(place.caller, NewScope(kind=ScopeKind.WORKSPACE, name="other"))
    for name, role in (("bea", "Data Scientist"), ("cyd", "Data Scientist")):
        place.house.principals.create(SYSTEM, name, PrincipalKind.USER)
        place.house.principals.assign(SYSTEM, name, role, scope(place).path)
    yield place
    place.close()


def scope(place, name="dev"):
    return place.house.scopes.get(SYSTEM, ScopeAddress(ScopeKind.WORKSPACE, name))


def container(place, name="dev"):
    return files_container(scope(place, name).id)


def writes(command, path, kind="uri_folder", **more):
    return {"command": command, "environment": PLAIN, "outputs": {"out": {"type": kind, "path": path}}, **more}


def listed(place, prefix, caller=None, workspace="dev"):
    found = place.house.files.listing(caller or place.caller, container(place, workspace), prefix=prefix)
    return [one.path for one in found.items]


def text(place, path, workspace="dev"):
    return b"".join(place.house.files.open(place.caller, container(place, workspace), path).read()).decode()


def put(place, caller, path, content=b"theirs"):
    upload = place.house.files.begin(caller, container(place), path)
    upload.write(content)
    upload.commit(Labels())


TWO = "mkdir ${{outputs.out}}/deep; echo one > ${{outputs.out}}/a.txt; echo two > ${{outputs.out}}/deep/b.txt"


class TestWriting:
    def test_what_a_step_left_is_at_the_path_and_stays_the_jobs_output(self, place):
        job = place.run(writes(TWO, f"{STORE}/made/here/"), "two")
        assert job.status == JobStatus.COMPLETED, job.error
        assert listed(place, "made/") == ["made/here/a.txt", "made/here/deep/b.txt"]
        assert text(place, "made/here/deep/b.txt") == "two\n"
        assert place.files("two", "out") == ["a.txt", "deep/b.txt"]

    def test_it_is_an_input_by_that_path_and_linked(self, place):
        place.run(writes(TWO, f"{STORE}/linked"), "source")
        long = f"azureml://subscriptions/{scope(place).subscription}/resourcegroups/{scope(place).resource_group}"
        for name, path in (
            ("short", f"{STORE}/linked"),
            ("long", f"{long}/workspaces/dev/datastores/workspaceblobstore/paths/linked/"),
        ):
            read = {"command": "cat ${{inputs.d}}/deep/b.txt", "environment": PLAIN}
            job = place.run({**read, "inputs": {"d": {"type": "uri_folder", "path": path}}}, f"reads-{name}")
            assert job.status == JobStatus.COMPLETED, job.error
            assert place.log(job.name).endswith("two\n")
            assert ("input:d", job_node(job.scope_id, "source")) in place.edges(job_node(job.scope_id, job.name))

    def test_a_file_is_the_path_itself_and_is_read_as_one(self, place):
        document = writes("echo x > ${{outputs.out}}", f"{STORE}/single/table.csv", "uri_file")
        assert place.run(document, "single").status == JobStatus.COMPLETED
        assert listed(place, "single") == ["single/table.csv"]
        read = {"command": "cat ${{inputs.d}}", "environment": PLAIN}
        job = place.run({**read, "inputs": {"d": {"type": "uri_file", "path": f"{STORE}/single/table.csv"}}})
        assert place.log(job.name).endswith("x\n")

    def test_files_of_two_jobs_link_to_both_also_as_data(self, place):
        for name in ("first", "second"):
            place.run(writes(f"echo 1 > ${{{{outputs.out}}}}/{name}", f"{STORE}/both"), name)
        nodes = {job_node(scope(place).id, name) for name in ("first", "second")}
        data = NewVersion(kind=AssetKind.DATA, name="both", type="uri_folder")
        made = place.house.registration.create(place.caller, place.dev, data, path=f"{STORE}/both")
        assert {source for _, source in place.edges(made.node)} == nodes
        read = {"command": "true", "environment": PLAIN, "inputs": {"d": {"path": f"{STORE}/both"}}}
        job = place.submit(read)
        place.work()
        assert {source for role, source in place.edges(job_node(job.scope_id, job.name)) if role == "input:d"} == nodes

    def test_a_path_knows_the_names_of_job_and_output(self, place):
        place.run(writes("echo 1 > ${{outputs.out}}/x", STORE + "/by/${{name}}/${{ output_name }}"), "named")
        assert listed(place, "by/") == ["by/named/out/x"]

    def test_so_does_the_path_of_a_node(self, place):
        node = writes("echo 1 > ${{outputs.out}}/x", STORE + "/node/${{name}}/")
        place.run({"type": "pipeline", "jobs": {"make": node}}, "nodes")
        assert listed(place, "node/") == ["node/nodes_make/x"]

    def test_another_workspace_is_written_to_as_well(self, place):
        path = "azureml://workspaces/other/datastores/workspaceblobstore/paths/from-dev"
        assert place.run(writes("echo 1 > ${{outputs.out}}/x", path)).status == JobStatus.COMPLETED
        assert listed(place, "from-dev", workspace="other") == ["from-dev/x"]

    def test_what_is_named_is_registered_and_written(self, place):
        document = writes("echo 1 > ${{outputs.out}}/x", f"{STORE}/and-named")
        document["outputs"]["out"]["name"] = "and-named"
        assert place.run(document).status == JobStatus.COMPLETED
        assert listed(place, "and-named") == ["and-named/x"]
        assert place.house.assets.get(place.caller, place.dev, AssetKind.DATA, "and-named", "1").file_count == 1

    def test_a_job_that_failed_writes_nothing(self, place):
        document = writes("echo 1 > ${{outputs.out}}/x; false", f"{STORE}/failed")
        assert place.run(document).status == JobStatus.FAILED
        assert listed(place, "failed") == []

    def test_a_step_writes_where_its_pipeline_says_and_is_not_reused(self, place):
        step = {
            "type": "command",
            "component": {"command": "echo 1 > ${{outputs.o}}/x", "environment": PLAIN, "outputs": {"o": {}}},
            "outputs": {"o": "${{parent.outputs.whole}}"},
        }
        whole = {
            "type": "pipeline",
            "jobs": {"make": step},
            "outputs": {"whole": {"type": "uri_folder", "path": f"{STORE}/pipe"}},
        }
        for name in ("pipe-1", "pipe-2"):
            assert place.run(whole, name).status == JobStatus.COMPLETED
            assert listed(place, "pipe/") == ["pipe/x"]
            place.house.files.delete(place.caller, container(place), "pipe/x")


class TestRights:
    @pytest.mark.parametrize(
        ("path", "error", "words"),
        [
            (f"{STORE}/", InvalidError, "names no path"),
            (f"{STORE}/azureml/other/out", ForbiddenError, "are shown"),
            (f"{STORE}/assets", ForbiddenError, "are shown"),
            (f"{STORE}/a/${{{{inputs.x}}}}", InvalidError, "knows no"),
            (f"{STORE}/a/${{{{time}}}}", InvalidError, "knows no"),
            (f"{STORE}/../x", InvalidError, "climbs"),
            ("azureml://datastores/workspaceartifactstore/paths/x", ForbiddenError, "read only"),
            ("azureml://datastores/lake/paths/x", UnsupportedError, "outside"),
            ("azureml://datastores/nowhere/paths/x", NotFoundError, "no datastore"),
            ("azureml://workspaces/nowhere/datastores/workspaceblobstore/paths/x", NotFoundError, "nowhere"),
        ],
    )
    def test_where_nobody_can_write_is_refused_at_submission(self, place, path, error, words):
        place.house.datastores.create_or_update(place.caller, place.dev, NewDatastore(name="lake"))
        with pytest.raises(error, match=words) as refused:
            place.submit(writes("true", path))
        assert refused.value.message.startswith("outputs.out")

    def test_the_place_where_outputs_are_shown_anyway_is_no_other_place(self, place):
        job = place.run(writes("echo 1 > ${{outputs.out}}/x", STORE + "/azureml/${{name}}/${{output_name}}/"), "plain")
        assert job.status == JobStatus.COMPLETED
        assert listed(place, "azureml/plain/out/") == ["azureml/plain/out/x"]

    def test_a_workspace_that_one_may_not_write_to_is_refused(self, place):
        bea = place.login("bea")
        with pytest.raises(RegistaError, match=r"outputs\.out"):
            place.submit(writes("true", "azureml://workspaces/other/datastores/workspaceblobstore/paths/x"), caller=bea)

    def test_a_file_of_somebody_else_is_replaced_only_by_who_may_write_all_assets(self, place):
        put(place, place.caller, "theirs/a.txt")
        narrow = place.login(
            "bea",
            paths=(scope(place).path,),
            permissions=(Permission.SCOPES_READ, Permission.JOBS_READ, Permission.JOBS_WRITE),
        )
        with pytest.raises(ForbiddenError, match="somebody else"):
            place.submit(writes("true", f"{STORE}/theirs/a.txt", "uri_file"), caller=narrow)
        job = place.submit(writes("echo 1 > ${{outputs.out}}/a.txt", f"{STORE}/theirs"), caller=narrow)
        place.work()
        ended = place.job(job.name)
        assert (ended.status, "somebody else" in ended.error) == (JobStatus.FAILED, True), ended.error
        assert text(place, "theirs/a.txt") == "theirs"
        same = place.submit(writes("printf theirs > ${{outputs.out}}/a.txt", f"{STORE}/theirs"), caller=narrow)
        again = place.submit(writes("echo 1 > ${{outputs.out}}/a.txt", f"{STORE}/theirs"), caller=narrow)
        place.work()
        assert [place.job(one.name).status for one in (same, again)] == [JobStatus.COMPLETED, JobStatus.FAILED]
        assert text(place, "theirs/a.txt") == "theirs"
        assert place.run(writes("echo 1 > ${{outputs.out}}/a.txt", f"{STORE}/theirs")).status == JobStatus.COMPLETED
        assert text(place, "theirs/a.txt") == "1\n"

    def test_files_that_one_may_not_read_are_no_input(self, place):
        put(place, place.caller, "private/a.txt")
        narrow = place.login(
            "cyd",
            paths=(scope(place).path,),
            permissions=(Permission.SCOPES_READ, Permission.JOBS_READ, Permission.JOBS_WRITE),
        )
        read = {"command": "true", "environment": PLAIN, "inputs": {"d": {"path": f"{STORE}/private"}}}
        with pytest.raises(NotFoundError, match=r"inputs\.d"):
            place.submit(read, caller=narrow)


class TestAtomicity:
    def test_when_one_file_cannot_be_written_none_is(self, place):
        put(place, place.login("cyd"), "half/z.txt")
        place.house.principals.create(SYSTEM, "dee", PrincipalKind.USER)
        place.house.principals.assign(SYSTEM, "dee", "Data Scientist", scope(place).path)
        narrow = place.login("dee", permissions=(Permission.SCOPES_READ, Permission.JOBS_READ, Permission.JOBS_WRITE))
        command = "echo 1 > ${{outputs.out}}/a.txt; echo 1 > ${{outputs.out}}/z.txt"
        job = place.submit(writes(command, f"{STORE}/half"), caller=narrow)
        place.work()
        assert place.job(job.name).status == JobStatus.FAILED
        assert listed(place, "half/") == ["half/z.txt"]
