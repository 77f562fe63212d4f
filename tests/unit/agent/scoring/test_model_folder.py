"""Scripts find the files of a model that was registered from a folder, and of one that was a single file."""

import os

import pytest

from regista.agent.scoring.model_folder import laid_out


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "placed"
    (folder / "inner").mkdir(parents=True)
    (folder / "sklearn_regression_model.pkl").write_text("model")
    (folder / "inner" / "table.csv").write_text("table")
    return folder


@pytest.fixture
def place(tmp_path):
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


class TestFolders:
    def test_files_are_in_the_folder_that_was_registered_and_where_they_are(self, model, place):
        root = laid_out(model, "model", place)
        for folder in (root / "model", root):
            assert (folder / "sklearn_regression_model.pkl").read_text() == "model"
            assert (folder / "inner" / "table.csv").read_text() == "table"

    def test_the_folder_stands_above_what_it_holds_of_its_own_name(self, model, place):
        root = laid_out(model, "inner", place)
        assert (root / "inner" / "inner" / "table.csv").read_text() == "table"
        assert (root / "inner" / "sklearn_regression_model.pkl").exists()

    def test_nothing_goes_round_in_a_circle(self, model, place):
        root = laid_out(model, "model", place)
        found = [
            folder for folder, _, files in os.walk(root, followlinks=True) for name in files if name.endswith(".pkl")
        ]
        assert sorted(found) == [str(root), str(root / "model")]


class TestFiles:
    def test_a_single_file_is_where_it_always_was(self, model, place):
        assert laid_out(model, "", place) == model

    @pytest.mark.parametrize("name", [".", "..", "a/b", "../up", "/etc", "nul\0"])
    def test_a_name_that_leads_elsewhere_is_no_folder(self, model, place, name):
        assert laid_out(model, name, place) == model
        assert list(place.iterdir()) == []
