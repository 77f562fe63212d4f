"""Running commands: inputs and outputs of every type and mode, what the process finds, how jobs end."""

import contextlib
import threading
import time

import msgspec
import pytest

from regista.entities.asset import AssetKind
from regista.entities.job import JobStatus
from regista.errors import ConflictError, NotFoundError, UnauthenticatedError, UnsupportedError
from regista.services.assets.versions import NewVersion
from regista.services.jobs.attempt_folder import AttemptFolder
from regista.services.jobs.workshop import ServerPlace
from regista.services.working.worker import Worker
from tests.support.workplace import PLAIN, Workplace


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = Workplace(tmp_path_factory.mktemp("place"))
    place.asset(AssetKind.DATA, {"a.csv": "1", "deep/b.csv": "2"}, name="rows", type="uri_folder")
    place.asset(AssetKind.DATA, {"one.csv": "1,2"}, name="one", type="uri_file")
    place.asset(AssetKind.DATA, {"MLTable": "paths: []"}, name="table", type="mltable")
    place.asset(AssetKind.MODEL, {"MLmodel": "flavors: {}"}, name="flavoured", type="mlflow_model")
    place.asset(AssetKind.MODEL, {"weights": "w"}, name="weights", type="custom_model", scope=place.central)
    yield place
    place.close()


def run(place, command, **fields):
    return place.run({"command": command, "environment": PLAIN, **fields})


class TestInputs:
    def test_every_type_of_content_is_where_the_command_is_told(self, place):
        inputs = {
            "folder": {"type": "uri_folder", "path": "azureml:rows:1"},
            "file": {"type": "uri_file", "path": "azureml:one:1"},
            "table": {"type": "mltable", "path": "azureml:table@latest"},
            "flavoured": {"type": "mlflow_model", "path": "azureml:flavoured:1"},
            "weights": {"type": "custom_model", "path": "azureml://registries/central/models/weights/versions/1"},
        }
        command = (
            "cat ${{inputs.folder}}/deep/b.csv ${{inputs.file}} ${{inputs.table}}/MLTable"
            " ${{inputs.flavoured}}/MLmodel ${{inputs.weights}}/weights; test -d $AZURE_ML_INPUT_folder"
        )
        job = run(place, command, inputs=inputs)
        assert job.status is JobStatus.COMPLETED, job.error
        assert place.log(job.name) == "21,2paths: []flavors: {}w"

    @pytest.mark.parametrize("mode", ["ro_mount", "download", "eval_mount", "eval_download"])
    def test_read_modes_give_the_files(self, place, mode):
        job = run(place, "cat ${{inputs.d}}/a.csv", inputs={"d": {"path": "azureml:rows:1", "mode": mode}})
        assert place.log(job.name) == "1"

    def test_direct_gives_the_reference_itself(self, place):
        job = run(place, "echo ${{inputs.d}}", inputs={"d": {"path": "azureml:rows:1", "mode": "direct"}})
        assert place.log(job.name).strip().endswith("/data/rows/versions/1")

    def test_a_writable_input_is_a_copy(self, place):
        job = run(
            place, "echo 9 > ${{inputs.d}}/a.csv; cat ${{inputs.d}}/a.csv",
            inputs={"d": {"path": "azureml:rows:1", "mode": "rw_mount"}},
        )  # fmt: skip
        assert place.log(job.name) == "9\n"
        again = run(place, "cat ${{inputs.d}}/a.csv", inputs={"d": {"path": "azureml:rows:1"}})
        assert place.log(again.name) == "1"

    def test_a_read_only_input_cannot_be_spoilt_for_others(self, place):
        inputs = {"d": {"path": "azureml:rows:1"}}
        job = run(place, "echo 9 > ${{inputs.d}}/a.csv; rm -f ${{inputs.d}}/a.csv; true", inputs=inputs)
        assert job.status is JobStatus.COMPLETED
        assert place.log(run(place, "cat ${{inputs.d}}/a.csv", inputs=inputs).name) == "1"

    def test_literals_and_optional_inputs(self, place):
        inputs = {"n": 3, "flag": True, "text": "a b'c", "none": {"type": "string", "optional": True}}
        job = run(
            place, "echo ${{inputs.n}} ${{inputs.flag}} ${{inputs.text}} $[[--x ${{inputs.none}}]] end", inputs=inputs
        )
        assert place.log(job.name) == "3 True a b'c end\n"

    def test_outputs_of_other_jobs_are_inputs(self, place):
        first = run(place, "mkdir -p ${{outputs.o}}/in; echo hi > ${{outputs.o}}/in/x; mkdir -p outputs; echo art > outputs/y",
                    outputs={"o": {}})  # fmt: skip
        inputs = {
            "whole": {"path": f"azureml://jobs/{first.name}/outputs/o"},
            "part": {"path": f"azureml://jobs/{first.name}/outputs/o/paths/in"},
            "file": {"type": "uri_file", "path": f"azureml://jobs/{first.name}/outputs/o/paths/in/x"},
            "artifact": {"path": f"azureml://jobs/{first.name}/outputs/artifacts/paths/outputs"},
            "run": {"type": "uri_file", "path": f"runs:/{first.name}/y"},
        }
        command = (
            "cat ${{inputs.whole}}/in/x ${{inputs.part}}/x ${{inputs.file}} ${{inputs.artifact}}/y ${{inputs.run}}"
        )
        job = run(place, command, inputs=inputs)
        assert place.log(job.name) == "hi\nhi\nhi\nart\nart\n", job.error
        assert ("input:whole", f"job:{job.scope_id}/{first.name}") in place.edges(f"job:{job.scope_id}/{job.name}")

    @pytest.mark.parametrize("path", ["azureml://jobs/{}/outputs/artifacts/paths/outputs/m", "runs:/{}/outputs/m"])
    def test_what_lay_in_outputs_is_registered_by_azures_path_of_it(self, place, path):
        job = run(place, "mkdir -p outputs/m; echo w > outputs/m/weights")
        model = NewVersion(kind=AssetKind.MODEL, name="left", type="custom_model")
        made = place.house.registration.create(place.caller, place.dev, model, path=path.format(job.name))
        assert made.file_count == 1

    def test_what_lies_in_a_store_elsewhere_is_said_to_be_out_of_reach(self, place):
        with pytest.raises(UnsupportedError, match="reads nothing from 'wasbs'"):
            place.command("true", inputs={"d": {"path": "wasbs://container@account.blob.core.windows.net/iris.csv"}})

    def test_an_output_that_is_not_there_yet_is_refused(self, place):
        waiting = place.command("true", outputs={"o": {}})
        with pytest.raises(ConflictError, match="Queued"):
            place.command("true", inputs={"d": {"path": f"azureml://jobs/{waiting.name}/outputs/o"}})
        place.work()


class TestOutputs:
    @pytest.mark.parametrize("kind", ["uri_folder", "mltable", "mlflow_model", "custom_model", "triton_model"])
    @pytest.mark.parametrize("mode", ["rw_mount", "upload", "direct"])
    def test_folders_exist_before_the_command_runs(self, place, kind, mode):
        job = run(
            place, "test -d ${{outputs.o}} && echo x > ${{outputs.o}}/f", outputs={"o": {"type": kind, "mode": mode}}
        )
        assert place.files(job.name, "o") == ["f"]
        assert job.outputs["o"].type == kind

    def test_a_file_is_written_into_a_folder_that_exists(self, place):
        job = run(place, "echo x > ${{outputs.o}}", outputs={"o": {"type": "uri_file"}})
        assert place.files(job.name, "o") == ["o"]
        after = run(
            place,
            "cat ${{inputs.i}}",
            inputs={"i": {"type": "uri_file", "path": f"azureml://jobs/{job.name}/outputs/o"}},
        )
        assert place.log(after.name) == "x\n"

    def test_links_out_of_an_output_are_left_out_and_named(self, place):
        command = "cd ${{outputs.o}}; echo x > a; ln -s a inside; ln -s /etc/passwd outside; mkfifo pipe; ln -s . loop"
        job = run(place, command, outputs={"o": {}})
        assert job.status is JobStatus.COMPLETED, job.error
        assert place.files(job.name, "o") == ["a", "inside"]
        assert all(name in job.properties["regista.skipped"] for name in ("outside", "pipe", "loop"))

    def test_a_named_output_becomes_a_version_with_its_lineage(self, place):
        outputs = {
            "m": {"type": "custom_model", "name": "made"},
            "d": {"type": "uri_file", "name": "table2", "version": "7"},
        }
        job = run(place, "echo w > ${{outputs.m}}/w; echo 1 > ${{outputs.d}}", outputs=outputs)
        made = place.house.assets.get(place.caller, place.dev, AssetKind.MODEL, "made")
        assert (made.version, made.type, made.created_by) == ("1", "custom_model", "ada")
        assert place.house.assets.get(place.caller, place.dev, AssetKind.DATA, "table2", "7").type == "uri_file"
        me = f"job:{job.scope_id}/{job.name}"
        assert ("output:m", made.node) in place.edges(me, upstream=False)
        assert {role for role, _ in place.edges(me)} == {"environment"}
        assert job.outputs["m"].node == made.node

    def test_an_output_can_be_registered_straight_into_a_registry(self, place):
        output = {"type": "custom_model", "name": "shared", "path": "azureml://registries/central/models/shared"}
        job = run(place, "echo w > ${{outputs.m}}/w", outputs={"m": output})
        assert job.status is JobStatus.COMPLETED, job.error
        found = place.house.assets.get(place.caller, place.central, AssetKind.MODEL, "shared")
        assert place.house.scopes.get(place.caller, place.central).id == found.scope_id
        assert found.scope_id in job.outputs["m"].node

    def test_a_version_that_is_taken_by_other_content_fails_the_job_and_keeps_the_output(self, place):
        output = {"m": {"type": "custom_model", "name": "once", "version": "1"}}
        run(place, "echo 1 > ${{outputs.m}}/w", outputs=output)
        job = run(place, "echo 2 > ${{outputs.m}}/w", outputs=output)
        assert job.status is JobStatus.FAILED
        assert "once" in job.error
        assert place.read(job.name, "m", "w") == "2\n"

    def test_nothing_is_registered_by_a_command_that_fails(self, place):
        job = run(place, "echo 1 > ${{outputs.m}}/w; exit 3", outputs={"m": {"type": "custom_model", "name": "never"}})
        assert (job.status, job.error) == (JobStatus.FAILED, "its command ended with exit code 3")
        assert place.files(job.name, "m") == ["w"]
        with pytest.raises(NotFoundError):
            place.house.assets.get(place.caller, place.dev, AssetKind.MODEL, "never")


class TestProcess:
    def test_code_is_where_the_command_runs_and_may_be_written_to(self, place):
        code = place.code({"main.py": "import helper; print(helper.x); open('new', 'w')", "helper.py": "x = 5"})
        job = run(place, "python main.py && ls", code=code)
        assert place.log(job.name).splitlines()[0] == "5"
        assert "new" in place.log(job.name)
        assert ("code", f"version:{job.scope_id}/code/anonymous/{code.rsplit(':', 1)[1]}") in place.edges(
            f"job:{job.scope_id}/{job.name}"
        )

    def test_python_is_that_of_the_environment(self, place):
        job = run(place, "python -c 'import sys; print(sys.prefix)'; which python")
        assert all("/envs/" in line for line in place.log(job.name).splitlines())
        assert job.lock is not None

    def test_variables_of_the_job_and_the_environment_are_set(self, place):
        environment = PLAIN | {"environment_variables": {"A": "env", "B": "env"}}
        job = place.run({"command": "echo $A $B $AZUREML_RUN_ID", "environment": environment,
                         "environment_variables": {"B": "job"}}, "named-run")  # fmt: skip
        assert place.log(job.name) == "env job named-run\n"

    def test_its_time_ends_it_as_canceled_and_its_log_says_so(self, place):
        job = run(place, "printf 'no end of line'; sleep 60", limits={"timeout": 1})
        assert (job.status, job.error) == (JobStatus.CANCELED, "timeout: it ran longer than its limit of 1 seconds")
        said = "[regista] timeout: it ran longer than its limit of 1 seconds (limits.timeout) and was ended"
        assert place.log(job.name).splitlines() == ["no end of line", said]

    def test_a_signal_that_is_known_for_a_limit_is_explained(self, place):
        job = run(place, "echo before; kill -9 $$")
        assert job.status is JobStatus.FAILED
        assert "signal 9 (SIGKILL: the system does that when memory runs out)" in job.error
        assert place.log(job.name).splitlines()[-1] == f"[regista] {job.error}"

    def test_mlflow_does_not_print_links_to_pages_of_another_server(self, place):
        ask = "echo $MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"
        assert place.log(run(place, ask).name) == "true\n"
        own = {"MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "false"}
        assert place.log(run(place, ask, environment_variables=own).name) == "false\n"

    def test_what_it_used_and_where_it_ran_is_kept(self, place):
        job = run(place, "true")
        assert {
            "regista.host",
            "regista.python",
            "regista.usage.cpu_seconds",
            "regista.exit_code",
        } <= job.properties.keys()
        assert job.started_at
        assert job.started_at <= job.ended_at

    def test_it_is_shown_as_finalizing_while_what_it_left_is_stored(self, place):
        job = place.command("echo said")
        stores = Watched(place, job.name)
        worker = Worker(msgspec.structs.replace(place.workshop, stores=stores))
        while worker.run_once():
            pass
        worker.close()
        assert stores.seen == ["Finalizing"]
        assert place.job(job.name).status is JobStatus.COMPLETED

    def test_its_folder_is_gone_a_moment_later(self, place):
        with place.working():
            folder = place.settings.work / place.wait(place.command("true").name).id
            end = time.monotonic() + 30
            while folder.exists() and time.monotonic() < end:
                time.sleep(0.02)
            assert not folder.exists()

    def test_no_folder_outlives_the_worker(self, place):
        with place.working():
            jobs = [place.wait(place.command(f"echo {n}").name) for n in range(2)]
        assert not any((place.settings.work / job.id).exists() for job in jobs)


class Watched:
    """Stores that take a log only when somebody has seen where the job stands, or after a while."""

    def __init__(self, place, name):
        self.place, self.name, self.seen = place, name, []

    def for_scope(self, scope):
        self.store = self.place.house.stores.for_scope(scope)[1]
        return "watched", self

    def gather(self):
        return contextlib.nullcontext(self)

    def add_file(self, *words):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self.place.job(self.name).status is JobStatus.RUNNING:
            time.sleep(0.01)
        self.seen.append(str(self.place.job(self.name).status))
        return self.store.add_file(*words)

    def __getattr__(self, name):
        return getattr(self.store, name)


class TestOwnLines:
    def test_a_last_line_is_said_once_by_however_many_workers(self, tmp_path):
        folder = AttemptFolder(tmp_path, "job", 1)
        folder.make()
        folder.log.write_text("printed")
        for _ in range(3):
            folder.say_at_end("enough")
        assert folder.log.read_text() == "printed\n[regista] enough\n"


class TestCancelAndLog:
    def test_a_running_job_is_canceled_within_moments_and_keeps_its_log(self, place):
        with place.working():
            job = place.command("echo started; trap 'echo bye; exit 1' TERM; while true; do sleep 0.05; done")
            place.wait(job.name, "Running")
            while "started" not in place.log(job.name):
                time.sleep(0.02)
            began = time.monotonic()
            place.house.jobs.cancel(place.caller, place.dev, job.name)
            done = place.wait(job.name)
        assert done.status is JobStatus.CANCELED
        assert time.monotonic() - began < 20
        assert place.log(job.name).splitlines()[-1] == "bye"

    def test_the_log_is_read_while_it_grows_and_is_the_same_afterwards(self, place):
        with place.working():
            job = place.command("for i in 1 2 3 4 5; do echo line $i; sleep 0.1; done")
            text, offset, reads = b"", 0, 0
            while True:
                chunk = place.house.job_files.log(place.caller, place.dev, job.name, offset, wait=5)
                text, offset, reads = text + chunk.content, chunk.next, reads + 1
                if chunk.final:
                    break
        assert reads > 2
        assert text.decode() == place.log(job.name) == "".join(f"line {i}\n" for i in range(1, 6))

    def test_several_run_at_once(self, place):
        with place.working(slots=3):
            jobs = [place.command("sleep 0.5; date +%s.%N") for _ in range(3)]
            for job in jobs:
                place.wait(job.name)
        spans = [(place.job(job.name).started_at, place.job(job.name).ended_at) for job in jobs]
        assert max(start for start, _ in spans) < min(end for _, end in spans)


class TestTrust:
    """Whom ``requests`` trusts: the parts of large files go by it, which MLflow's own variable does not reach."""

    @pytest.mark.parametrize(
        ("set_by_the_author", "seen"),
        [({}, "ours"), ({"REQUESTS_CA_BUNDLE": "theirs"}, "theirs"), ({"CURL_CA_BUNDLE": "x"}, "")],
    )
    def test_it_is_told_unless_the_author_told_it(self, place, tmp_path, set_by_the_author, seen):
        (tmp_path / "ours.pem").write_text("ours")
        where = ServerPlace(url="https://127.0.0.1:1", trust=tmp_path / "ours.pem")
        job = place.command(
            'echo "<$REQUESTS_CA_BUNDLE>"; cat "$REQUESTS_CA_BUNDLE"', environment_variables=set_by_the_author
        )
        worker = Worker(msgspec.structs.replace(place.workshop, server=where))
        worker.run_once()
        worker.close()
        told = {"ours": str(tmp_path / "ours.pem")}.get(seen, seen)
        first, *rest = place.log(job.name).splitlines()
        assert first == f"<{told}>"
        assert ("ours" in rest) is (seen == "ours")


class TestKey:
    def test_the_job_gets_a_key_of_its_own_that_ends_with_it(self, place):
        shop = msgspec.structs.replace(place.workshop, server=ServerPlace(url="https://127.0.0.1:1"))
        job = place.command("echo $MLFLOW_TRACKING_TOKEN; echo $MLFLOW_TRACKING_URI $MLFLOW_RUN_ID; sleep 1")
        worker = Worker(shop)
        thread = threading.Thread(target=worker.run_once)
        thread.start()
        while place.log(job.name).count("\n") < 2:
            time.sleep(0.02)
        secret, uri = place.log(job.name).splitlines()
        caller = place.house.access.authenticate(secret)
        scope = place.house.scopes.get(place.caller, place.dev)
        assert uri == f"https://127.0.0.1:1/mlflow/workspaces/default:default:dev {job.name}"
        assert caller.principal.name == "ada"
        assert caller.allows("jobs/write", scope.path)
        assert not caller.allows("jobs/write", "/")
        assert not caller.allows("access/write", scope.path)
        thread.join()
        worker.close()
        with pytest.raises(UnauthenticatedError):
            place.house.access.authenticate(secret)
        assert secret not in str(place.job(job.name))
