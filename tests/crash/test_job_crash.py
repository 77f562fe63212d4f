"""Workers that die at any point: nothing that finished runs again, nothing is lost, nothing is half there."""

import json
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest

from regista.entities.asset import AssetKind
from regista.entities.datastore import files_container
from regista.entities.job import JobStatus
from regista.errors import UnavailableError
from regista.services.access.access import SYSTEM
from regista.services.working.lease_keeper import LeaseLostError, fenced
from regista.services.working.worker import Worker, sweep_folders
from tests.support.workplace import PLAIN, Workplace

pytestmark = pytest.mark.crash

LEASE = 0.6
AN_HOUR = "3600"


class KilledError(BaseException):
    """What stands for SIGKILL inside one process: no handler of the worker's catches it."""


class DyingCatalog:
    """A catalog whose user is dead from write number *point* on: killed before it, or after it was committed."""

    def __init__(self, catalog, point, *, after):
        self._catalog, self._point, self._after, self.writes = catalog, point, after, 0
        self._user = threading.current_thread()

    def read(self, work):
        if self.writes >= self._point:
            raise KilledError
        return self._catalog.read(work)

    def write(self, work):
        if threading.current_thread() is not self._user:  # the renewing of leases, which dies with the rest
            if self.writes >= self._point:
                raise UnavailableError("dead")
            return self._catalog.write(work)
        self.writes += 1
        if self.writes > self._point or (self.writes == self._point and not self._after):
            raise KilledError
        result = self._catalog.write(work)
        if self.writes == self._point:
            raise KilledError
        return result


class DyingExecutor:
    """An executor whose caller dies right before or right after a process was started."""

    def __init__(self, executor, *, after):
        self._executor, self._after, self.name = executor, after, executor.name

    def submit(self, attempt):
        if self._after:
            self._executor.submit(attempt)
        raise KilledError


PLACE = "azureml://datastores/workspaceblobstore/paths/made/at"


def counting(tmp_path, command="true"):
    """A command that notes each of its starts in a file."""
    return f"echo $AZUREML_RUN_ID >> {tmp_path}/starts; {command}"


def starts(tmp_path):
    try:
        lines = (tmp_path / "starts").read_text().split()
    except FileNotFoundError:
        return {}
    return {name: lines.count(name) for name in lines}


def two_steps(tmp_path):
    return {
        "type": "pipeline",
        "outputs": {"m": {"type": "custom_model", "name": "made", "path": PLACE}},
        "jobs": {
            "a": {"command": counting(tmp_path, "echo 1 > ${{outputs.o}}/x; echo said"), "environment": PLAIN,
                  "outputs": {"o": {}}},
            "b": {"command": counting(tmp_path, "cat ${{inputs.i}}/x > ${{outputs.m}}/y"), "environment": PLAIN,
                  "inputs": {"i": {"type": "uri_folder", "path": "${{parent.jobs.a.outputs.o}}"}},
                  "outputs": {"m": "${{parent.outputs.m}}"}},
        },
    }  # fmt: skip


@pytest.fixture
def place(tmp_path):
    place = Workplace(tmp_path / "home", confine=False)
    yield place
    place.close()


def die(place, **parts):
    """Let a worker with these parts work until it dies; whether it did."""
    worker = Worker(msgspec.structs.replace(place.workshop, **parts), lease_seconds=LEASE)
    try:
        work(place, worker)
    except KilledError:
        return True
    finally:
        worker.close()
    return False


def recover(place):
    """Another worker takes over and works until everything has ended."""
    worker = Worker(place.workshop, lease_seconds=LEASE)
    work(place, worker)
    worker.close()


def work(place, worker):
    """Work until everything has ended: on a busy machine a lease can run out while its worker lives."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if not worker.run_once():
            if place.house.catalog.read(lambda tx: tx.leases.next_due()) is None:
                break
            time.sleep(0.02)


def whole(place, tmp_path, name):
    job = place.job(name)
    assert job.status is JobStatus.COMPLETED, job.error
    steps = place.steps(name)
    assert {step.status for step in steps.values()} == {JobStatus.COMPLETED}
    assert starts(tmp_path) == {step.name: 1 for step in steps.values()}, "a step ran twice"
    assert place.read(name, "m", "y") == "1\n"
    assert place.log(steps["a"].name) == "said\n"
    made = place.house.assets.get(place.caller, place.dev, AssetKind.MODEL, "made")
    assert made.version == "1", "the output was registered twice"
    container = files_container(made.scope_id)
    found = place.house.files.open(place.caller, container, "made/at/y")
    assert (b"".join(found.read()), found.file.source) == (b"1\n", made.source["node"])
    capsule = place.house.capsules.open(place.store(place.dev), made.capsule)
    assert [one.status for one in capsule.jobs] == ["Completed"] * 2
    ended = [one.path for one in place.house.audit.events(SYSTEM, 0, 1000).items if one.type == "job.completed"]
    assert sorted(path.rpartition("/")[2] for path in ended) == sorted([name, *(step.name for step in steps.values())])
    keys = place.house.principals.keys(place.caller, "ada")
    assert not [key for key in keys if key.name.startswith("job ")], "a key outlived its job"
    assert list(place.settings.work.iterdir()) == []


class TestEveryWrite:
    @pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
    @pytest.mark.parametrize("point", range(1, 12))
    def test_a_worker_that_dies_at_any_write_is_followed_by_one_that_goes_on(self, place, tmp_path, point, after):
        place.submit(two_steps(tmp_path), "p")
        died = die(place, catalog=DyingCatalog(place.house.catalog, point, after=after))
        assert died or point > 9
        recover(place)
        sweep_folders(place.workshop)
        whole(place, tmp_path, "p")

    @pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
    def test_a_process_whose_starter_died_is_found_again_not_started_again(self, place, tmp_path, after):
        place.submit(two_steps(tmp_path), "p")
        assert die(place, executor=DyingExecutor(place.executor, after=after))
        recover(place)
        whole(place, tmp_path, "p")


class TestLost:
    def test_a_process_that_vanished_is_started_again_and_at_most_three_times(self, place, tmp_path):
        job = place.submit({"command": counting(tmp_path, "kill -9 $PPID; sleep 5"), "environment": PLAIN}, "v")
        recover(place)
        job = place.job("v")
        assert job.status is JobStatus.FAILED
        assert "lost 3 times" in job.error
        assert starts(tmp_path) == {"v": 3}


class TestElsewhere:
    def test_a_process_on_another_machine_is_left_to_the_workers_there(self, place, tmp_path):
        place.submit({"command": counting(tmp_path, "sleep 0.5"), "environment": PLAIN}, "far")
        assert die(place, catalog=DyingCatalog(place.house.catalog, 3, after=True))
        time.sleep(LEASE)
        stranger = Worker(msgspec.structs.replace(place.workshop, place="another"), lease_seconds=LEASE)
        assert stranger.run_once()
        stranger.close()
        assert place.job("far").status is JobStatus.RUNNING
        recover(place)
        assert place.job("far").status is JobStatus.COMPLETED
        assert starts(tmp_path) == {"far": 1}

    def test_when_nobody_is_left_there_it_is_started_again(self, place, tmp_path, monkeypatch):
        monkeypatch.setattr("regista.services.working.attempt_run._ORPHANED", 100)
        monkeypatch.setattr("regista.services.working.attempt_run._ELSEWHERE", 200)
        place.submit({"command": counting(tmp_path), "environment": PLAIN}, "gone")
        assert die(place, catalog=DyingCatalog(place.house.catalog, 3, after=True))
        time.sleep(LEASE)
        stranger = msgspec.structs.replace(place.workshop, place="another", folder=tmp_path / "other")
        while place.job("gone").status is not JobStatus.COMPLETED:
            worker = Worker(stranger, lease_seconds=LEASE)
            worker.run_once()
            worker.close()
            time.sleep(0.05)
        assert starts(tmp_path) == {"gone": 2}


class TestStop:
    def test_a_worker_that_stops_hands_its_jobs_over_at_once_and_their_processes_run_on(self, place, tmp_path):
        place.submit({"command": counting(tmp_path, "sleep 1; echo done"), "environment": PLAIN}, "on")
        first, stop = Worker(place.workshop, lease_seconds=60), threading.Event()
        thread = threading.Thread(target=first.run, args=(stop,))
        thread.start()
        place.wait("on", "Running")
        stop.set()
        thread.join()
        first.close()
        second = Worker(place.workshop, lease_seconds=60)
        assert second.run_once()
        second.close()
        assert place.job("on").status is JobStatus.COMPLETED
        assert place.log("on") == "done\n"
        assert starts(tmp_path) == {"on": 1}


class TestFencing:
    def test_what_a_worker_writes_late_is_refused(self, place):
        job = place.command("true")
        shop, now = place.house.catalog, int(time.time() * 1000)
        old = shop.write(lambda tx: tx.leases.claim("old", now, now + 50))
        time.sleep(0.1)
        later = int(time.time() * 1000)
        new = shop.write(lambda tx: tx.leases.claim("new", later, later + 60_000))
        assert new.fence > old.fence
        with pytest.raises(LeaseLostError):
            fenced(shop, old, lambda tx, job: tx.jobs.put(msgspec.structs.replace(job, status=JobStatus.FAILED)))
        assert place.job(job.name).status is JobStatus.QUEUED

    def test_a_worker_that_slept_over_its_lease_changes_nothing_and_ends_nothing(self, place, tmp_path):
        asleep, wake = threading.Event(), threading.Event()

        class Sleepy:
            def __init__(self, catalog):
                self._catalog, self.writes, self.read, self.close = catalog, 0, catalog.read, lambda: None

            def write(self, work):
                self.writes += 1
                if self.writes == 4:  # claim, prepared, running; then the end begins
                    asleep.set()
                    wake.wait(20)
                return self._catalog.write(work)

        place.command("true", "warm")  # so that nothing below has to build an environment
        recover(place)
        place.submit({"command": counting(tmp_path, "sleep 0.2"), "environment": PLAIN}, "s")
        sleepy = Worker(
            msgspec.structs.replace(place.workshop, catalog=Sleepy(place.house.catalog)), lease_seconds=LEASE
        )
        sleepy._keeper.hold = lambda lease: sleepy._keeper._held.update({lease.job_id: (lease, time.monotonic() + 99)})
        thread = threading.Thread(target=sleepy.run_once)
        thread.start()
        assert asleep.wait(10)
        recover(place)
        done = place.job("s")
        wake.set()
        thread.join()
        sleepy.close()
        assert done.status is JobStatus.COMPLETED
        assert place.job("s") == done
        assert starts(tmp_path) == {"s": 1}


class TestTwoWorkers:
    def test_they_share_the_steps_and_run_none_twice(self, place, tmp_path):
        jobs = {f"s{n}": {"command": counting(tmp_path, f": {n}"), "environment": PLAIN} for n in range(24)}
        with place.working(slots=2, name="one"), place.working(slots=2, name="two"):
            place.submit({"type": "pipeline", "jobs": jobs}, "fan")
            assert place.wait("fan", seconds=60).status is JobStatus.COMPLETED
        assert sorted(starts(tmp_path).values()) == [1] * 24


def documents(tmp_path, steps):
    """A pipeline of side-by-side and chained steps that takes a second or two."""
    jobs = {}
    for number in range(steps):
        node = {"command": counting(tmp_path, f"sleep 0.{number % 3}; echo {number} > ${{{{outputs.o}}}}/x"),
                "environment": PLAIN, "outputs": {"o": {}}}  # fmt: skip
        if number >= 2:
            node["inputs"] = {"i": {"type": "uri_folder", "path": f"${{{{parent.jobs.s{number - 2}.outputs.o}}}}"}}
        jobs[f"s{number}"] = node
    return {"type": "pipeline", "jobs": jobs}


def start_worker(home: Path, catalog: str, lease: str = "1") -> subprocess.Popen:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "tests.support.job_worker", str(home), catalog, lease]
    return subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)


def kill(worker: subprocess.Popen) -> None:
    worker.kill()
    worker.wait()
    worker.stdout.close()


@pytest.mark.slow
class TestKillMinusNine:
    @pytest.mark.parametrize("seed", range(3))
    def test_a_server_killed_at_random_points_finishes_what_was_submitted(self, tmp_path, seed):
        chance, home = random.Random(seed), tmp_path / "home"
        home.mkdir()
        (home / "submit.json").write_text(json.dumps({"p": documents(tmp_path, 8)}))
        catalog = f"sqlite:///{home}/catalog.sqlite"
        for _ in range(6):
            worker = start_worker(home, catalog)
            assert worker.stdout.readline() == "ready\n"
            time.sleep(chance.uniform(0, 0.8))
            kill(worker)
        worker = start_worker(home, catalog)
        said = worker.stdout.read()
        assert worker.wait(60) == 0
        worker.stdout.close()
        assert said.endswith("idle\n")
        place = Workplace(home, catalog=catalog, confine=False)
        try:
            assert place.job("p").status is JobStatus.COMPLETED, place.job("p").error
            assert starts(tmp_path) == {f"p_s{number}": 1 for number in range(8)}
        finally:
            place.close()

    def test_who_comes_back_on_the_same_machine_does_not_wait_for_a_lease_to_run_out(self, tmp_path):
        home, catalog = tmp_path / "home", f"sqlite:///{tmp_path}/home/catalog.sqlite"
        home.mkdir()
        (home / "submit.json").write_text(json.dumps({"p": documents(tmp_path, 6)}))
        for count in (1, 3):
            worker = start_worker(home, catalog, AN_HOUR)
            while len(starts(tmp_path)) < count:
                time.sleep(0.01)
            kill(worker)
        worker = start_worker(home, catalog, AN_HOUR)
        said = worker.stdout.read()
        assert worker.wait(60) == 0
        worker.stdout.close()
        assert said.endswith("idle\n")
        assert starts(tmp_path) == {f"p_s{number}": 1 for number in range(6)}
        assert not list((home / "run" / "workers").iterdir())

    @pytest.mark.postgres
    def test_of_two_workers_one_takes_over_what_the_killed_one_had(self, tmp_path, postgres_database):
        home = tmp_path / "home"
        place = Workplace(home, catalog=postgres_database, confine=False)
        chance = random.Random(7)
        workers = []
        try:
            workers = [start_worker(home, postgres_database) for _ in range(2)]
            for worker in workers:
                assert worker.stdout.readline() == "ready\n"
            place.submit(documents(tmp_path, 10), "p")
            for _ in range(4):
                time.sleep(chance.uniform(0.1, 0.5))
                victim = chance.randrange(2)
                kill(workers[victim])
                workers[victim] = start_worker(home, postgres_database)
                assert workers[victim].stdout.readline() == "ready\n"
            job = place.wait("p", seconds=60)
            assert job.status is JobStatus.COMPLETED, job.error
            assert starts(tmp_path) == {f"p_s{number}": 1 for number in range(10)}
        finally:
            for worker in workers:
                kill(worker)
            place.close()
