"""Jobs through the azureml dialect: submitted, shown, changed, canceled; what is not served is said."""

import secrets

import pytest

from regista.entities.scope import ScopeAddress, ScopeKind
from tests.support.houses import People

CURATED = "azureml://registries/azureml/environments/sklearn-1.5/labels/latest"


def command(**more):
    return {"properties": {"jobType": "Command", "command": "echo 1", "environmentId": CURATED, **more}}


def pipeline(**more):
    node = {
        "type": "command",
        "componentId": "azureml:step:1",
        "inputs": {"x": {"job_input_type": "literal", "value": "${{parent.inputs.x}}"}},
        "outputs": {"out": {"type": "literal", "value": "${{parent.outputs.out}}"}},
        "_source": "YAML.COMPONENT",
    }
    return {
        "properties": {
            "jobType": "Pipeline",
            "jobs": {"one": node},
            "inputs": {"x": {"jobInputType": "literal", "value": "0.5"}},
            "outputs": {"out": {"jobOutputType": "uri_folder"}},
            "settings": {"default_compute": "serverless", "_source": "DSL"},
            **more,
        }
    }


@pytest.fixture
def jobs(door):
    """The path of a job in ``dev`` that nobody has."""
    return door.workspace("dev", f"jobs/job_{secrets.token_hex(6)}")


@pytest.fixture(scope="module")
def step(doors):
    """A component with a number and a folder."""
    spec = {
        "type": "command",
        "command": "echo ${{inputs.x}} > ${{outputs.out}}/x",
        "environment": "sklearn-1.5",
        "inputs": {"x": {"type": "number"}},
        "outputs": {"out": {"type": "uri_folder"}},
        "name": "step",
        "version": "1",
    }
    path = doors.workspace("dev", "components/step/versions/1")
    doors.put(path, {"properties": {"componentSpec": {**spec, "environment": CURATED}}})
    return path


class TestACommand:
    """Bodies of command jobs."""

    def test_is_shown_as_it_was_sent(self, door, jobs):
        body = command(
            displayName="D",
            description="said",
            tags={"a": "b"},
            properties={"mine": "kept", "regista.rights": "all"},
            experimentName="trying",
            computeId=f"{door.workspace('dev')}/computes/cpu",
            environmentVariables={"A": "1"},
            inputs={"x": {"jobInputType": "literal", "value": "007"}},
            outputs={"o": {"jobOutputType": "uri_folder", "mode": "Upload", "assetName": "made"}},
            resources={"instanceCount": 1, "shmSize": "2g", "dockerArgs": "--ipc=host", "properties": {}},
            limits={"jobLimitsType": "Command", "timeout": "PT3630S"},
            distribution={"distributionType": "PyTorch", "processCountPerInstance": 1},
            identity={"identityType": "AMLToken"},
            queueSettings={"jobTier": "Standard"},
        )
        answer = door.send("PUT", jobs, body)
        assert answer.status == 201
        shown, sent = answer.properties, body["properties"]
        for field in (
            "jobType command displayName description tags experimentName computeId environmentId environmentVariables "
            "inputs resources limits distribution identity queueSettings"
        ).split():
            assert shown[field] == sent[field], field
        assert shown["properties"] == {"mine": "kept"}
        assert shown["outputs"]["o"] == {"jobOutputType": "uri_folder", "mode": "Upload", "assetName": "made"}
        assert (shown["status"], shown["isArchived"]) == ("Queued", False)
        assert answer.json["id"].lower() == jobs.lower()

    def test_again_is_quiet_and_other_work_under_the_name_is_refused(self, door, jobs):
        door.put(jobs, command(tags={"a": "b"}))
        assert door.send("PUT", jobs, command(tags={"a": "b"})).status == 200
        assert "ResourceExists" in door.refused("PUT", jobs, command(command="echo 2"))

    def test_takes_what_is_said_anew_about_it(self, door, jobs):
        fetched = door.put(jobs, command(tags={"a": "b"}))
        fetched["properties"] |= {"displayName": "new", "tags": {"a": "b", "c": "d"}, "isArchived": True}
        changed = door.put(jobs, fetched)["properties"]
        assert (changed["displayName"], changed["tags"], changed["isArchived"]) == ("new", {"a": "b", "c": "d"}, True)

    def test_is_seen_by_the_other_doors(self, door, jobs):
        door.put(jobs, command(experimentName="seen", tags={"a": "b"}))
        address = ScopeAddress(ScopeKind.WORKSPACE, "dev")
        found = door.house.jobs.get(door.house.access.authenticate(door.key), address, jobs.rsplit("/", 1)[1])
        assert (found.type, found.spec["command"]) == ("command", "echo 1")

    @pytest.mark.parametrize(
        ("more", "said"),
        [
            ({"jobType": "Sweep"}, "NotSupported: Regista cannot run jobs of type 'Sweep'"),
            ({"jobType": "AutoML"}, "NotSupported: Regista cannot run jobs of type 'AutoML'"),
            ({"jobType": "Spark"}, "NotSupported"),
            ({"jobType": "FineTuning"}, "NotSupported"),
            ({"jobType": None}, "UserError: properties.jobType is missing"),
            (
                {"resources": {"instanceCount": 2}},
                "NotSupported: resources: this compute runs a command as one process",
            ),
            ({"resources": {"properties": {"IsLocal": {}}}}, "NotSupported: the compute 'local' is not served"),
            ({"limits": {"timeout": "soon"}}, "UserError: limits.timeout"),
            ({"inputs": []}, "UserError: inputs: expected an object"),
            ({"inputs": {"x": {"jobInputType": "uri_folder", "uri": "wasbs://a@b/c"}}}, "NotSupported: inputs.x.uri"),
            ({"inputs": {"x": {"jobInputType": "uri_folder", "uri": "azureml://datastores/no/paths/a"}}}, "inputs.x"),
            ({"outputs": {"x": {"uri": "azureml://datastores/no/paths/a"}}}, "outputs.x: there is no datastore"),
            ({"outputs": {"x": {"uri": "azureml://datastores/workspaceartifactstore/paths/a"}}}, "is read only"),
            ({"outputs": {"x": {"uri": "wasbs://a@b/c"}}}, "NotSupported: outputs.x.uri"),
            ({"command": "echo ${{inputs.none}}"}, "UserError: command"),
            ({"environmentId": None}, "the command needs an environment"),
        ],
    )
    def test_that_cannot_be_run_is_refused_with_the_place(self, door, jobs, more, said):
        assert said in door.refused("PUT", jobs, command(**more))
        assert door.send("GET", jobs).status == 404


class TestAPipeline:
    """Bodies of pipeline jobs."""

    def test_is_shown_as_it_was_sent(self, door, jobs, step):
        body = pipeline(experimentName="pipes")
        shown = door.put(jobs, body)["properties"]
        node, sent = shown["jobs"]["one"], body["properties"]["jobs"]["one"]
        assert node["componentId"].lower() == step.lower()
        assert (node["inputs"], node["outputs"]) == (sent["inputs"], sent["outputs"])
        assert node["_source"] == "YAML.COMPONENT"
        assert shown["inputs"] == body["properties"]["inputs"]
        assert shown["settings"] == {
            "default_compute": "serverless",
            "continue_on_step_failure": True,
            "_source": "DSL",
        }

    def test_may_have_inputs_in_groups(self, door, jobs, step):
        del step
        body = pipeline(inputs={"group.x": {"jobInputType": "literal", "value": "3"}})
        body["properties"]["jobs"]["one"]["inputs"]["x"]["value"] = "${{parent.inputs.group.x}}"
        shown = door.put(jobs, body)["properties"]
        assert shown["inputs"] == body["properties"]["inputs"]
        assert shown["jobs"]["one"]["inputs"]["x"]["value"] == "${{parent.inputs.group.x}}"
        assert door.send("PUT", jobs, {"properties": shown}).status == 200

    @pytest.mark.parametrize("kind", ["sweep", "parallel", "automl", "spark", "if_else", "do_while"])
    def test_with_a_node_that_cannot_be_run_is_refused(self, door, jobs, kind):
        assert f"cannot run jobs of type '{kind}'" in door.refused("PUT", jobs, pipeline(jobs={"one": {"type": kind}}))

    def test_that_does_not_hang_together_is_refused(self, door, jobs, step):
        del step
        said = door.refused("PUT", jobs, pipeline(inputs={}))
        assert "jobs.one.inputs.x: the pipeline has no input 'x'" in said


class TestTheRunHistory:
    """What the SDK streams by, and changes."""

    def test_gives_the_log_under_an_address_that_needs_no_credential(self, door, jobs):
        door.put(jobs, command())
        name = jobs.rsplit("/", 1)[1]
        details = door.get(door.workspace("dev", f"runs/{name}/details", "history/v1.0"))
        (log,) = details["logFiles"].items()
        assert log[0] == "user_logs/std_log.txt"
        assert log[1].startswith(f"{door.url}/regista-jobs-")
        assert "sig=" in log[1]
        assert door.key not in log[1]

    def test_lets_the_first_look_at_an_ended_job_see_it_finalize(self, door, jobs):
        door.put(jobs, command())
        door.post(f"{jobs}/cancel")
        details = door.workspace("dev", f"runs/{jobs.rsplit('/', 1)[1]}/details", "history/v1.0")
        assert [door.get(details)["status"] for _ in range(4)] == ["Finalizing", "Canceled"] * 2

    def test_changes_and_hides_a_run(self, door, jobs):
        door.put(jobs, command(experimentName="E1", tags={"a": "b"}))
        name = jobs.rsplit("/", 1)[1]
        run = door.workspace("dev", f"experiments/E1/runs/{name}", "history/v1.0")
        door.send("PATCH", run, {"displayName": "new", "tags": {"c": "d"}, "properties": {"p": "q"}})
        shown = door.get(jobs)["properties"]
        assert (shown["displayName"], shown["tags"]) == ("new", {"a": "b", "c": "d"})
        assert shown["properties"] == {"p": "q"}
        door.send("PATCH", run, {"hidden": True})
        assert name not in {one["name"] for one in door.all(door.workspace("dev", "jobs"))}
        assert name in {one["name"] for one in door.all(door.workspace("dev", "jobs"), listViewType="ArchivedOnly")}
        assert "own" in door.refused("PATCH", run, {"properties": {"regista.rights": "all"}})
        assert door.send("GET", run.replace("E1", "E2")).status == 404

    def test_knows_what_a_run_left(self, door, jobs):
        door.put(jobs, command())
        found = door.post(door.workspace("dev", "rundata", "history/v1.0"), {"runId": jobs.rsplit("/", 1)[1]})
        assert found["runMetadata"]["outputs"] == {}
        resolved = door.workspace("dev", "dataversion/batchGetResolvedUris", "data/v1.0")
        assert door.post(resolved, {"values": ["azureml://jobs/none/outputs/o", "x", ""]}) == {"values": {}}


class TestTheList:
    """Lists, cancellation, deletion."""

    def test_pages_and_chooses(self, door, jobs):
        for number in range(3):
            door.put(f"{jobs}_{number}", command(tags={"list": str(number)}))
        every = [one["name"] for one in door.all(door.workspace("dev", "jobs"), **{"$top": "2"})]
        assert len(every) == len(set(every)) >= 3
        assert len(door.all(door.workspace("dev", "jobs"), tag="list=1")) == 1
        assert all(
            one["properties"]["jobType"] == "Command"
            for one in door.all(door.workspace("dev", "jobs"), jobType="Command")
        )

    def test_has_none_that_import_an_asset(self, door, jobs):
        door.put(jobs, command())
        assert door.all(door.workspace("dev", "jobs"), assetName="d") == []

    def test_cancels_and_deletes(self, door, jobs):
        door.put(jobs, command())
        assert "is Queued" in door.refused("DELETE", jobs)
        assert door.send("POST", f"{jobs}/cancel").status == 200
        assert door.get(f"{jobs}/cancellation")["status"] == "Succeeded"
        assert [door.send("DELETE", jobs).status for _ in range(2)] == [200, 204]
        assert door.send("GET", jobs).status == 404

    def test_has_no_schedules(self, door):
        assert door.get(door.workspace("dev", "schedules")) == {"value": []}
        path = door.workspace("dev", "schedules/nightly")
        assert "runs no schedules" in door.refused("PUT", path, {"properties": {}})
        assert door.send("GET", path).status == 404
        assert door.send("DELETE", path).status == 204

    def test_is_not_for_strangers(self, door, jobs):
        door.put(jobs, command())
        people = People(door.house)
        people.somebody("stranger")
        secret = door.house.principals.create_key(people.root, "stranger", "k").secret
        other = door.by(secret)
        for method, path in (
            ("GET", jobs),
            ("PUT", jobs),
            ("DELETE", jobs),
            ("POST", f"{jobs}/cancel"),
            ("GET", door.workspace("dev", "jobs")),
            ("GET", door.workspace("dev", "schedules")),
            ("GET", door.workspace("dev", f"runs/{jobs.rsplit('/', 1)[1]}/details", "history/v1.0")),
        ):
            answer = other.send(method, path, command() if method == "PUT" else None)
            assert answer.status in ({404} if method != "DELETE" else {204}), (method, path, answer.content)
