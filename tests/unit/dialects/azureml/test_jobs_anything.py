"""Any body of a job at all: it is taken or refused with a reason, never a fault; and what is shown can be sent again."""

import secrets

from hypothesis import HealthCheck, given, settings, strategies as st

from regista.dialects.azureml.jobs.documents import read_job
from regista.dialects.azureml.jobs.looks import Looks
from regista.dialects.azureml.jobs.ports import literal_type
from regista.dialects.azureml.jobs.spelling import snake
from regista.entities.documents.inputs import InputSpec, check_value
from tests.unit.dialects.azureml.test_jobs import CURATED, command

FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
words = st.sampled_from(
    "a x.y default Command Pipeline Sweep literal uri_folder UriFile custom_model PT5S True 007 1e400 ${{parent.inputs.x}} "
    "${{parent.outputs.o}} ${{inputs.a}} azureml:a:1 azureml://jobs/j/outputs/o azureml://datastores/d/paths/p https://a/b "
    "azureml://datastores/workspaceblobstore/paths/../x /subscriptions/s/x \x00 \ud800 ../.. _source IsLocal".split(" ")
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | words | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words | st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
port = anything | st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        "jobInputType job_input_type jobOutputType type value uri path mode assetName assetVersion".split(), anything
    ),
)
ports = anything | st.dictionaries(words | st.sampled_from(["x", "o"]), port, max_size=3)
said = dict.fromkeys(
    "displayName description tags properties experimentName computeId environmentVariables resources limits "
    "distribution settings identity services isArchived componentId environmentId codeId command status _source "
    "environment_variables compute_id component_id queue_settings".split(),
    anything,
)
nodes = anything | st.dictionaries(
    st.sampled_from(["one", "two", "x.y", ""]),
    anything
    | st.fixed_dictionaries(
        {"type": st.sampled_from(["command", "pipeline", "sweep", 5])},
        optional={**said, "inputs": ports, "outputs": ports, "componentId": words},
    ),
    max_size=2,
)
bodies = st.fixed_dictionaries(
    {"jobType": st.sampled_from(["Command", "Pipeline"]) | anything},
    optional={**said, "inputs": ports, "outputs": ports, "jobs": nodes},
)
good = st.fixed_dictionaries(
    {},
    optional={
        "displayName": st.text("abc ", max_size=5),
        "tags": st.dictionaries(st.text("abc", min_size=1), st.text(max_size=5).filter(str.isprintable)),
        "inputs": st.dictionaries(
            st.sampled_from(["x", "y"]),
            st.builds(lambda value: {"jobInputType": "literal", "value": value}, st.text("ab1 .", max_size=5)),
        ),
        "outputs": st.dictionaries(st.sampled_from(["o", "p"]), st.sampled_from([{}, {"jobOutputType": "uri_file"}])),
        "limits": st.sampled_from([None, {"timeout": "PT5S"}, {"timeout": 9, "jobLimitsType": "Command"}]),
        "resources": st.sampled_from([None, {"instanceCount": 1}, {"instanceCount": 1, "dockerArgs": "x"}]),
        "environmentVariables": st.dictionaries(st.sampled_from(["A", "B"]), st.text("ab", max_size=3)),
    },
)


class TestAnything:
    """Hostile bodies."""

    @FEW
    @given(properties=bodies)
    def test_is_taken_or_refused(self, door, properties):
        path = door.workspace("dev", f"jobs/any_{secrets.token_hex(8)}")
        answer = door.send("PUT", path, {"properties": properties})
        assert answer.status in {200, 201, 400, 403, 404, 409, 413, 501}, (answer.status, answer.content)
        if answer.status < 300:
            assert door.get(path)["properties"]["jobType"] in {"Command", "Pipeline"}

    @FEW
    @given(body=anything)
    def test_said_about_a_run_is_taken_or_refused(self, door, body):
        path = door.workspace("dev", "jobs/any_changed")
        door.put(path, command(experimentName="any"))
        run = door.workspace("dev", "experiments/any/runs/any_changed", "history/v1.0")
        asked = {"displayName": body, "tags": body, "hidden": body, "properties": body}
        for sent in (body, asked, {"tags": {"a": body}}, {"hidden": body}):
            answer = door.send("PATCH", run, sent)
            assert answer.status in {200, 400}, (answer.status, answer.content)
        for place, service in (("rundata", "history/v1.0"), ("dataversion/batchGetResolvedUris", "data/v1.0")):
            answer = door.send("POST", door.workspace("dev", place, service), {"runId": body, "values": [body]})
            assert answer.status in {200, 400, 404}, (answer.status, answer.content)
        assert door.send("PUT", path, command(experimentName="any")).status == 200

    @FEW
    @given(more=good)
    def test_that_is_shown_can_be_sent_again(self, door, more):
        path = door.workspace("dev", f"jobs/good_{secrets.token_hex(8)}")
        shown = door.put(path, command(environmentId=CURATED, **more))
        again = door.send("PUT", path, shown)
        assert (again.status, again.properties) == (200, shown["properties"])


class TestTheWords:
    """Small laws."""

    @given(st.text(max_size=12))
    def test_a_literal_is_not_changed_by_the_type_that_it_looks_like(self, value):
        assert check_value(InputSpec(type=literal_type(value)), value) == value

    @given(st.from_regex(r"[a-z]+(_[a-z]+)*", fullmatch=True))
    def test_snake_case_stays(self, word):
        assert snake(word) == word

    @given(st.text("aZ_1", max_size=20))
    def test_snake_case_is_reached_in_one_step(self, word):
        assert snake(snake(word)) == snake(word)

    def test_camel_case_becomes_snake_case(self):
        assert [snake(word) for word in ("jobInputType", "JobType", "componentId")] == [
            "job_input_type",
            "job_type",
            "component_id",
        ]

    @given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.booleans()), max_size=30))
    def test_the_end_is_seen_after_a_look_that_did_not_see_it(self, looks):
        kept, before = Looks(), {}
        for who, job, ended in looks:
            seen = kept.may_see_end(who, job, ended=ended)
            assert seen == (ended and before.get((who, job), False))
            before[who, job] = not seen

    def test_looks_are_forgotten_in_the_end(self):
        kept = Looks(most=1)
        assert [kept.may_see_end("a", job, ended=False) for job in "xy"] == [False, False]
        assert [kept.may_see_end("a", job, ended=True) for job in "yx"] == [True, False]


class TestADocument:
    """Bodies become the documents of the CLI."""

    def test_of_a_command(self):
        sent = {
            "jobType": "Command",
            "command": "echo",
            "codeId": "/subscriptions/s/c",
            "environmentId": "azureml:e:1",
            "computeId": "/subscriptions/s/computes/cpu",
            "inputs": {"x": {"jobInputType": "UriFile", "uri": "azureml:d:1", "mode": "ReadOnlyMount"}, "y": None},
            "outputs": {"o": {"jobOutputType": "uri_folder", "mode": "ReadWriteMount"}, "p": None},
            "limits": {"jobLimitsType": "Command", "timeout": "PT5M"},
            "distribution": {"distributionType": "Mpi", "processCountPerInstance": 1},
        }
        assert read_job(sent, lambda uri, *_: uri).document == {
            "type": "command",
            "command": "echo",
            "code": "/subscriptions/s/c",
            "environment": "azureml:e:1",
            "compute": "cpu",
            "inputs": {"x": {"type": "uri_file", "path": "azureml:d:1", "mode": "ro_mount"}, "y": None},
            "outputs": {"o": {"type": "uri_folder", "mode": "rw_mount"}, "p": None},
            "limits": {"timeout": 300},
            "distribution": {"type": "mpi", "process_count_per_instance": 1},
        }
