"""A folder with real workers and gateways in it, all gone after the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.dataplane import Plane, plane as running_plane


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    with running_plane(tmp_path) as made:
        yield made
