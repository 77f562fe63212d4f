"""What an environment's version is known by."""

import msgspec
import pytest

from regista.entities.asset import AssetKind
from regista.entities.documents.environment import parse_environment
from regista.entities.environment import EnvironmentSpec
from regista.services.access.access import SYSTEM
from regista.services.assets.versions import NewVersion
from regista.services.environments.environments import written_spec

SPELLINGS = [{}, {"os_type": "linux"}, {"os_type": "Linux"}, {"os_type": "LINUX"}]


def test_the_system_is_written_always_and_in_one_way():
    """Whatever wrote it: left out in one place and written in another, the same environment would be two."""
    written = [written_spec(parse_environment({"name": "e", "image": "x", **said}), None, bytes) for said in SPELLINGS]
    read = [
        msgspec.convert({"image": "x"}, EnvironmentSpec),
        msgspec.convert({"image": "x", "os_type": "linux"}, EnvironmentSpec),
    ]
    for spec in (EnvironmentSpec(image="x"), *written, *read):
        assert msgspec.to_builtins(spec) == {"image": "x", "os_type": "linux"}


@pytest.mark.parametrize("said", SPELLINGS)
def test_the_same_in_another_spelling_is_the_same_version(people, said):
    dev = people.workspace("dev")
    made = []
    for spec in ({"image": "x"}, {"image": "x", **said}):
        new = NewVersion(kind=AssetKind.ENVIRONMENT, name="e", version="1", spec=spec)
        made.append(people.house.registration.create(SYSTEM, dev.address, new))
    assert made[0].id == made[1].id
