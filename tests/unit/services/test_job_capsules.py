"""Capsules of the outputs of jobs: sealed with the job's last words, before a version has its name."""

import msgspec
import pytest

from regista.entities.asset import AssetKind
from regista.entities.job import JobStatus
from regista.entities.run import Metric
from regista.entities.scope import ScopeAddress, ScopeKind, Store
from regista.services.access.access import SYSTEM
from regista.services.assets.versions import NewVersion
from regista.services.registry.promotion import Promotion
from regista.services.scopes.scopes import NewScope
from regista.services.tracking.runs import NewRun, RunChange
from regista.services.working.worker import Worker
from tests.support.workplace import PLAIN, Workplace


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = Workplace(tmp_path_factory.mktemp("place"))
    yield place
    place.close()


def run(place, command, **fields):
    return place.run({"command": command, "environment": PLAIN, **fields})


OUTPUT = {"type": "custom_model", "name": "sealed"}


class TestCapsules:
    """The record of where an output came from is sealed before it has its name."""

    def opened(self, place, address=None, name="sealed"):
        address = address or place.dev
        made = place.house.assets.get(place.caller, address, AssetKind.MODEL, name)
        return place.house.capsules.open(place.store(address), made.capsule)

    def test_it_tells_of_the_job_as_it_ended(self, place):
        job = run(place, "echo said; echo w > ${{outputs.m}}/w", outputs={"m": OUTPUT}, inputs={"depth": 4})
        capsule = self.opened(place)
        (told,) = capsule.jobs
        assert (told.name, told.status, told.ended_at) == (job.name, "Completed", job.ended_at)
        assert told.parameters == {"depth": "4"}
        assert (told.detail.log, told.detail.log_tail) == (job.log, "said\n")
        assert told.detail.properties["regista.exit_code"] == "0"
        assert told.detail.lock == job.lock is not None
        assert (capsule.sealed_by, capsule.subject.node) == ("ada", job.outputs["m"].node)
        assert {edge.role for edge in capsule.edges} == {"output:m", "environment"}

    def test_what_was_made_before_is_in_it(self, place):
        first = run(place, "echo data > ${{outputs.d}}/x", outputs={"d": {}})
        inputs = {"i": {"type": "uri_folder", "path": f"azureml://jobs/{first.name}/outputs/d"}}
        last = run(place, "cp ${{inputs.i}}/x ${{outputs.m}}/x", inputs=inputs, outputs={"m": {**OUTPUT, "name": "s2"}})
        assert [one.name for one in self.opened(place, name="s2").jobs] == [last.name, first.name]

    def test_promotion_takes_it_along_as_it_is(self, place):
        run(place, "echo w > ${{outputs.m}}/w", outputs={"m": {**OUTPUT, "name": "s3"}})
        made = place.house.assets.get(place.caller, place.dev, AssetKind.MODEL, "s3")
        asked = Promotion(source=place.dev, kind=AssetKind.MODEL, name="s3", target=place.central)
        assert place.house.promotion.promote(place.caller, asked).capsule == made.capsule

    def test_what_was_sealed_while_its_run_went_on_is_sealed_anew_when_it_is_promoted(self, place):
        house, caller = place.house, place.caller
        house.runs.create(caller, place.dev, NewRun(name="open"))
        upload = house.artifacts.begin(caller, place.dev, "runs/open", "model/w")
        upload.write(b"w")
        upload.commit()
        new = NewVersion(kind=AssetKind.MODEL, name="s4")
        made = house.registration.create(caller, place.dev, new, "runs:/open/model")
        house.runs.log(caller, place.dev, "open", metrics=[Metric("auc", 0.9, 5)])
        house.runs.update(caller, place.dev, "open", RunChange(status=JobStatus.COMPLETED))
        assert self.opened(place, name="s4").jobs[0].metrics == {}
        asked = Promotion(source=place.dev, kind=AssetKind.MODEL, name="s4", target=place.central)
        promoted = house.promotion.promote(caller, asked)
        assert promoted.capsule != made.capsule
        assert self.opened(place, place.central, "s4").jobs[0].metrics == {"auc": 0.9}

    def test_it_is_complete_in_the_store_of_a_registry_elsewhere(self, place, tmp_path):
        place.house.stores.put(SYSTEM, Store(name="far", url=f"file://{tmp_path / 'far'}", regions=("far",)))
        place.house.scopes.create(SYSTEM, NewScope(kind=ScopeKind.REGISTRY, name="faraway", location="far"))
        far = ScopeAddress(ScopeKind.REGISTRY, "faraway")
        output = {**OUTPUT, "path": "azureml://registries/faraway/models/sealed"}
        code = place.code({"main.py": "print('said')"})
        job = run(place, "python main.py; echo w > ${{outputs.m}}/w", outputs={"m": output}, code=code)
        assert job.status is JobStatus.COMPLETED, job.error
        capsule, store = self.opened(place, far), place.store(far)
        assert capsule.manifests
        assert all(map(store.exists, capsule.manifests | capsule.attachments))

    def test_a_number_that_is_taken_while_it_is_sealed_is_left_to_the_other(self, place):
        sealer = Overtaken(place)
        job = place.command("echo mine > ${{outputs.m}}/w", outputs={"m": {**OUTPUT, "name": "raced"}})
        worker = Worker(msgspec.structs.replace(place.workshop, sealer=sealer))
        while worker.run_once():
            pass
        worker.close()
        made = place.house.assets.get(place.caller, place.dev, AssetKind.MODEL, "raced")
        assert (made.version, made.source["node"]) == ("2", f"job:{job.scope_id}/{job.name}")
        assert self.opened(place, name="raced").subject.version == "2"


class Overtaken:
    """A sealer during whose first work somebody else takes the number."""

    def __init__(self, place):
        self.place, self.first = place, True

    def seal(self, *words):
        if self.first:
            self.first = False
            self.place.asset(AssetKind.MODEL, {"w": "theirs"}, name="raced")
        return self.place.house.capsules.seal(*words)
