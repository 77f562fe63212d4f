"""Files of a source on this machine, wherever the source says that they are."""

import pytest

from regista.client.imports.folder import FolderSource
from regista.client.imports.local_files import LocalFiles
from regista.errors import InvalidError


@pytest.fixture
def told():
    return []


@pytest.fixture
def files(tmp_path, told):
    (tmp_path / "1" / "run" / "artifacts").mkdir(parents=True)
    (tmp_path / "1" / "run" / "artifacts" / "a.txt").write_text("a")
    return LocalFiles(tmp_path, lambda *said: told.append(said))


class TestFind:
    def test_finds_what_is_there_by_the_end_of_its_path(self, files, tmp_path):
        assert files.find("/elsewhere/mlruns/1/run/artifacts") == tmp_path / "1" / "run" / "artifacts"

    def test_tells_of_a_link_and_does_not_follow_it(self, files, tmp_path, told):
        (tmp_path / "1" / "other").symlink_to(tmp_path / "1" / "run")
        assert files.find(str(tmp_path / "1" / "other" / "artifacts")) is None
        assert "link" in told[0][1]

    @pytest.mark.parametrize("name", ["a" * 3000, "a\0b"])
    def test_tells_of_a_name_that_no_file_can_have(self, files, told, name):
        assert files.find(f"1/run/artifacts/{name}") is None
        assert told


@pytest.mark.parametrize("name", ["a" * 3000, "nowhere"])
def test_a_folder_that_cannot_be_is_no_source(tmp_path, name):
    with pytest.raises(InvalidError, match="no folder of MLflow"):
        FolderSource(tmp_path / name, lambda *said: None)
