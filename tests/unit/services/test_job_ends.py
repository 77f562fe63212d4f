"""Whoever listens to events hears that a job has ended: once, and with how it ended."""

import pytest

from regista.entities.job import JobStatus
from regista.services.access.access import SYSTEM
from regista.services.tracking.runs import NewRun, RunChange
from tests.support.workplace import PLAIN, Workplace

SHORT = {"command": "true", "environment": PLAIN}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = Workplace(tmp_path_factory.mktemp("place"))
    yield place
    place.close()


@pytest.fixture
def heard(place):
    """What has happened since the test began, as (type, job, data); what was asked for is left out."""
    start = place.house.audit.events(SYSTEM, -1, 1).next

    def events():
        items = place.house.audit.events(SYSTEM, start, 1000).items
        return [
            (one.type, one.path.rpartition("/")[2], one.data)
            for one in items
            if one.type.endswith("ed") and "/jobs/" in one.path
        ]

    return events


@pytest.mark.parametrize(("command", "ending"), [("true", "job.completed"), ("exit 3", "job.failed")])
def test_a_command_that_ran(place, heard, command, ending):
    job = place.run(SHORT | {"command": command})
    place.work()
    assert heard() == [(ending, job.name, {"type": "command"})]


def test_a_job_that_is_canceled_before_it_runs(place, heard):
    job = place.submit(SHORT)
    for _ in range(2):
        place.house.jobs.cancel(place.caller, place.dev, job.name)
    place.work()
    assert heard() == [("job.canceled", job.name, {"type": "command"})]


def test_a_pipeline_and_each_of_its_steps_run_or_reused(place, heard):
    step = SHORT | {"command": "echo 1 > ${{outputs.o}}/x", "outputs": {"o": {}}}
    after = SHORT | {
        "command": "test -f ${{inputs.i}}/x",
        "inputs": {"i": {"type": "uri_folder", "path": "${{parent.jobs.a.outputs.o}}"}},
    }
    document = {"type": "pipeline", "jobs": {"a": step, "b": after}}
    names = [place.run(document, name).name for name in ("first", "second")]
    assert place.steps("second")["a"].reused_from == "first_a"
    place.work()
    expected = []
    for name in names:
        expected += [("job.completed", f"{name}_{node}", {"type": "command", "parent": name}) for node in "ab"]
        expected.append(("job.completed", name, {"type": "pipeline"}))
    assert heard() == expected


def test_a_step_whose_inputs_cannot_be_bound(place, heard):
    empty = SHORT | {"command": "rmdir ${{outputs.o}}", "outputs": {"o": {"type": "uri_file"}}}
    reads = SHORT | {
        "command": "true ${{inputs.i}}",
        "inputs": {"i": {"type": "uri_file", "path": "${{parent.jobs.a.outputs.o}}"}},
    }
    job = place.run({"type": "pipeline", "jobs": {"a": empty, "b": reads}}, "broken")
    assert job.status is JobStatus.FAILED
    assert heard()[-1] == ("job.failed", "broken", {"type": "pipeline"})
    assert len({name for _, name, _ in heard()}) == len(heard())


def test_a_run_of_mlflow(place, heard):
    run = place.house.runs.create(place.caller, place.dev, NewRun(experiment=0)).job
    for _ in range(2):
        change = RunChange(status=JobStatus.FAILED, ended_at=5)
        place.house.runs.update(place.caller, place.dev, run.name, change)
    assert heard() == [("run.failed", run.name, {"type": "run"})]


def test_a_run_inside_a_run_that_is_canceled(place, heard):
    """Nobody carries a run on: to cancel what is inside one asks no worker to look at it."""
    outer = place.house.runs.create(place.caller, place.dev, NewRun(experiment=0)).job
    inner = place.house.runs.create(place.caller, place.dev, NewRun(experiment=0, parent=outer.name)).job
    place.house.jobs.cancel(place.caller, place.dev, inner.name)
    assert heard() == [("run.canceled", inner.name, {"type": "run", "parent": outer.name})]
    assert not place.worker.run_once()


def test_who_may_see_the_job_hears_of_it_and_others_do_not(place):
    job = place.run(SHORT)
    told = place.house.audit.events(place.caller, -1000, 1000).items
    assert job.name in {one.path.rpartition("/")[2] for one in told if one.type == "job.completed"}
    place.house.principals.create(SYSTEM, "stranger", "user")
    place.house.principals.assign(SYSTEM, "stranger", "Reader", f"{place.house.scopes.get(SYSTEM, place.central).path}")
    assert not [
        one for one in place.house.audit.events(place.login("stranger"), -1000, 1000).items if "/jobs/" in one.path
    ]
