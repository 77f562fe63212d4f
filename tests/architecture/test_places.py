"""A clone works anywhere."""

import subprocess

import pytest

from tests.architecture.rules.places import (
    commands_looked_up,
    files_that_name_the_workplace,
    foreign_index_hosts,
    tracked_files,
)

WORKPLACE = "/" + "work/"


def test_no_file_names_the_folder_it_was_written_in(root):
    assert files_that_name_the_workplace(tracked_files(root)) == []


def test_the_lock_leads_to_the_public_index_alone(root):
    assert foreign_index_hosts((root / "uv.lock").read_text()) == []


def test_no_program_of_ours_is_run_from_the_path(root):
    assert commands_looked_up(tracked_files(root)) == []


class TestPlantedFaults:
    @pytest.mark.parametrize(
        "text", [f"cd {WORKPLACE}main", f'"{WORKPLACE}x"', f"file://{WORKPLACE}x", f"({WORKPLACE})"]
    )
    def test_a_mention_is_found(self, tmp_path, text):
        path = tmp_path / "notes.md"
        path.write_text(f"one\n{text}\n")
        assert files_that_name_the_workplace([path]) == [f"{path}:2"]

    @pytest.mark.parametrize(
        "text", ["home/work/x", "$DIR/work/", "{root}/work/x", "../work/", "/workspace/", "/works"]
    )
    def test_other_paths_are_free(self, tmp_path, text):
        (tmp_path / "notes.md").write_text(text)
        assert files_that_name_the_workplace([tmp_path / "notes.md"]) == []

    def test_what_git_ignores_is_not_looked_at(self, tmp_path):
        subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
        for name, text in {".gitignore": "*.log\n", "a.log": "", "b.md": "", "ü c.md": ""}.items():
            (tmp_path / name).write_text(text)
        assert sorted(path.name for path in tracked_files(tmp_path)) == [".gitignore", "b.md", "ü c.md"]

    def test_a_lock_written_against_another_index_is_found(self):
        lock = 'url = "https://files.pythonhosted.org/x"\nurl = "http://index.example:8080/simple"\n'
        assert foreign_index_hosts(lock) == ["index.example:8080"]

    def test_a_command_that_is_left_to_the_path_is_found(self, tmp_path):
        path = tmp_path / "run.py"
        path.write_text('import uv\nrun(["uv", "pip", "install"])\nrun([uv.find_uv_bin(), "pip"])\nnames = ["uv"]\n')
        assert commands_looked_up([path, tmp_path / "notes.md"]) == [f"{path}:2"]
