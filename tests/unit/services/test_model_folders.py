"""What the folder was called from which a model was registered is remembered, whatever it was registered from."""

import msgspec
import pytest

from regista.entities.asset import AssetKind
from regista.services.assets.versions import NewVersion
from regista.services.registry.promotion import Promotion
from tests.support.workplace import PLAIN, Workplace

LEFT = "mkdir -p ${{outputs.o}}/model && echo w > ${{outputs.o}}/model/w && echo w > ${{outputs.m}}/w"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = Workplace(tmp_path_factory.mktemp("place"))
    outputs = {"o": {}, "m": {"type": "custom_model", "name": "named"}}
    place.run({"command": LEFT, "environment": PLAIN, "outputs": outputs}, "left")
    yield place
    place.close()


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("azureml://jobs/left/outputs/o/paths/model/", "model"),
        ("azureml://jobs/left/outputs/o", "o"),
        ("azureml://jobs/left/outputs/o/paths/model/w", ""),
        ("azureml:named:1", "m"),
    ],
)
def test_of_what_a_job_left(place, path, folder):
    new = NewVersion(kind=AssetKind.MODEL, name="from", source={"folder": "said by the caller"})
    made = place.house.registration.create(place.caller, place.dev, new, path)
    assert made.folder == folder


def test_of_an_output_that_is_registered_by_its_job_and_promoted(place):
    made = place.house.assets.get(place.caller, place.dev, AssetKind.MODEL, "named")
    assert made.folder == "m"
    asked = Promotion(source=place.dev, kind=AssetKind.MODEL, name="named", target=place.central)
    assert place.house.promotion.promote(place.caller, asked).folder == "m"


@pytest.mark.parametrize("name", ["../up", "a/b", "..", ".", "", "a\\b", "a\nb", "x" * 201])
def test_a_name_that_is_none_is_not_believed(place, name):
    made = place.asset(AssetKind.MODEL, {"w": name}, name="wrong", source={"folder": name})
    assert made.folder == ""
    assert msgspec.structs.replace(made, source={"folder": "model-1.é"}).folder == "model-1.é"
