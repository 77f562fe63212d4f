"""Models, environments, components, data and code by the command line, against a real server."""

import pytest


class TestCreating:
    def test_a_folder_becomes_a_version_and_the_next_one_gets_the_next_number(self, run, dev, model, folder):
        assert (model["version"], model["file_count"]) == ("1", 2)
        (folder / "more.txt").write_text("more")
        again = run.json("model", "create", "churn", "--path", "churn", "--type", "mlflow_model", "-w", dev)
        assert (again["version"], again["type"]) == ("2", "mlflow_model")

    def test_a_file_says_it_options_stand_above_it_and_set_above_both(self, run, dev, folder, tmp_path):
        place = tmp_path / "somewhere"
        place.mkdir()
        (place / "model.yml").write_text(
            "name: churn\nversion: 4\npath: ../churn\ndescription: of the file\ntags: {a: b}\n"
        )
        made = run.json(
            "model", "create", "-f", "somewhere/model.yml", "--version", "5", "--description", "of the option",
            "--set", "tags.c=d", "-w", dev,
        )  # fmt: skip
        assert (made["version"], made["description"], made["tags"]) == ("5", "of the option", {"a": "b", "c": "d"})

    def test_a_path_on_the_command_line_is_relative_to_where_one_is(self, run, dev, folder, tmp_path):
        (tmp_path / "sub").mkdir()
        (tmp_path / "sub" / "model.yml").write_text("name: churn\npath: ./nowhere\n")
        assert run.json("model", "create", "-f", "sub/model.yml", "--path", "churn", "-w", dev)["file_count"] == 2

    def test_the_same_again_is_quiet_and_other_content_is_refused(self, run, dev, model, folder):
        words = ("model", "create", "--name", "churn", "--path", "churn", "--version", "1", "-w", dev)
        assert run.json(*words)["id"] == model["id"]
        (folder / "MLmodel").write_text("other: content\n")
        assert "churn" in run.refused(*words)

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("--name", "churn", "--path", "nowhere"), "nowhere"),
            (("--name", "churn"), "path"),
            (("--name", "no/slash", "--path", "churn"), "no/slash"),
            (("--file", "nowhere.yml"), "nowhere.yml"),
            (("--name", "churn", "--path", "churn", "--version", "latest"), "latest"),
            (("--name", "churn", "--path", "azureml://jobs/nobody/outputs/model"), "nobody"),
        ],
    )
    def test_what_is_wrong_is_named(self, run, dev, folder, words, said):
        assert said in run.refused("model", "create", *words, "-w", dev)

    def test_nothing_given_is_wrong_usage(self, run, dev):
        assert "--file" in run.misused("model", "create", "-w", dev)

    def test_without_a_scope_the_next_step_is_said(self, run, folder):
        assert "--workspace-name" in run.refused("model", "create", "--name", "churn", "--path", "churn")

    def test_both_scopes_are_only_for_what_a_job_made(self, run, dev, central, folder):
        both = ("-w", dev, "-r", central)
        assert "job's output" in run.misused("model", "create", "--name", "churn", "--path", "churn", *both)
        path = "azureml://jobs/nobody/outputs/model/paths/"
        assert "nobody" in run.refused("model", "create", "--name", "churn", "--path", path, *both)
        assert "not both" in run.misused("model", "list", *both)

    def test_a_workspace_of_the_environment_gives_way_to_a_registry(self, run, dev, central, folder):
        made = run.json("model", "create", "x", "--path", "churn", "-r", central, REGISTA_WORKSPACE=dev)
        assert run.json("model", "list", REGISTA_WORKSPACE=dev) == []
        assert run.json("model", "show", "x", "-r", central)["id"] == made["id"]


class TestTheOtherKinds:
    def test_an_environment_is_made_of_options(self, run, dev, tmp_path):
        (tmp_path / "conda.yml").write_text("dependencies: [python=3.11, pip: [msgspec]]\n")
        made = run.json("environment", "create", "py", "--image", "some/image", "--conda-file", "conda.yml", "-w", dev)
        assert made["spec"]["image"] == "some/image"
        assert "lacking.yml" in run.refused("environment", "create", "py", "--conda-file", "lacking.yml", "-w", dev)

    def test_a_component_is_made_of_a_file_with_its_code(self, run, dev, tmp_path):
        (tmp_path / "src").mkdir()
        (tmp_path / "src" / "train.py").write_text("print('trained')\n")
        (tmp_path / "train.yml").write_text(
            "name: train\ntype: command\ncode: ./src\ncommand: python train.py\nenvironment: azureml:py:1\n"
        )
        (tmp_path / "py.yml").write_text("name: py\nversion: 1\nimage: some/image\n")
        run.json("environment", "create", "-f", "py.yml", "-w", dev)
        made = run.json("component", "create", "-f", "train.yml", "-w", dev)
        assert (made["name"], made["type"]) == ("train", "command")
        (tmp_path / "train.yml").write_text("name: train\ntype: command\ncommand: ls ${{inputs.lacking}}\n")
        run.refused("component", "create", "-f", "train.yml", "-w", dev)

    def test_data_may_be_a_single_file(self, run, dev, tmp_path):
        (tmp_path / "flights.csv").write_text("a,b\n1,2\n")
        made = run.json("data", "create", "flights", "--path", "flights.csv", "--type", "uri_file", "-w", dev)
        assert (made["type"], made["file_count"]) == ("uri_file", 1)
        assert "uri_fil" in run.misused(
            "data", "create", "flights", "--path", "flights.csv", "--type", "uri_fil", "-w", dev
        )

    def test_code_is_an_asset_as_any_other(self, run, dev, folder):
        assert run.json("code", "create", "prepare", "--path", "churn", "-w", dev)["kind"] == "code"
        assert "'lacking'" in run.refused("code", "show", "lacking", "-w", dev)


class TestShowing:
    def test_version_and_label_may_stand_in_the_name(self, run, dev, model):
        for words in (
            ("churn",),
            ("churn:1",),
            ("churn@latest",),
            ("--name", "churn", "--version", "1"),
            ("churn", "-l", "latest"),
        ):
            assert run.json("model", "show", *words, "-w", dev)["id"] == model["id"], words

    def test_what_is_not_there_is_named_with_the_next_step(self, run, dev, model):
        assert "model list" in run.refused("model", "show", "churn:7", "-w", dev)
        assert "champion" in run.refused("model", "show", "churn@champion", "-w", dev)
        assert "nowhere" in run.refused("model", "show", "churn", "-w", "nowhere")

    @pytest.mark.parametrize(
        "words", [(), ("churn:1", "--version", "2"), ("churn:1", "--label", "latest"), ("churn", "--name", "other")]
    )
    def test_contradictions_are_wrong_usage(self, run, dev, words):
        run.misused("model", "show", *words, "-w", dev)


class TestCards:
    """People get a few lines, programs everything."""

    def test_what_was_made_is_told_in_a_few_lines_with_the_next_step(self, run, dev, folder):
        made = run("model", "create", "churn", "--path", "churn", "-w", dev)
        lines = dict(line.split(None, 1) for line in made.out.splitlines())
        assert list(lines) == ["name", "version", "type", "in", "content", "created", "reference"]
        assert lines["in"] == f"workspace {dev}"
        assert lines["content"].endswith(", 2 files, 19 B")
        assert lines["reference"] == "azureml:churn:1"
        assert run.json("model", "show", "churn", "-w", dev)["source"] == {"folder": "churn"}
        assert made.err == f"Next:  regista model share churn:1 -w {dev} --registry-name REGISTRY\n"
        assert "\x1b" not in made.out

    def test_in_a_registry_it_is_told_as_others_find_it(self, run, dev, central, model):
        shared = run("model", "share", "churn:1", "-w", dev, "-r", central)
        lines = dict(line.split(None, 1) for line in shared.out.splitlines())
        assert lines["in"] == f"registry {central}"
        assert lines["record"] == "sealed"
        assert run.json("model", "show", "churn:1", "-r", central)["file_count"] == 2
        assert lines["reference"] == f"azureml://registries/{central}/models/churn/versions/1"
        assert run(*shared.err.removeprefix("Next:  regista ").split()).status == 0

    def test_a_specification_is_shown_and_not_told_after_every_change(self, run, dev, tmp_path):
        (tmp_path / "conda.yml").write_text("dependencies: [python=3.11, pip: [six]]\n")
        made = run("environment", "create", "env", "--conda-file", "conda.yml", "--image", "any", "-w", dev)
        assert made.status == 0, made.err
        assert "six" not in made.out
        assert "six" in run("environment", "show", "env", "-w", dev).out
        assert "six" not in run("environment", "archive", "env:1", "-w", dev).out
        for form in ("json", "yaml"):
            assert "six" in run("environment", "restore", "env:1", "-w", dev, "-o", form).out


class TestListing:
    def test_names_versions_tags_and_what_is_archived(self, run, dev, folder):
        for version, tags in (("1", ()), ("2", ("--tags", "stage=trial"))):
            run.json("model", "create", "churn", "--path", "churn", "-v", version, *tags, "-w", dev)
        assert [one["name"] for one in run.json("model", "list", "-w", dev)] == ["churn"]
        assert [one["version"] for one in run.json("model", "list", "--name", "churn", "-w", dev)] == ["2", "1"]
        assert [one["version"] for one in run.json("model", "list", "churn", "--tag", "stage=trial", "-w", dev)] == [
            "2"
        ]
        assert len(run.json("model", "list", "churn", "--max-results", "1", "-w", dev)) == 1
        run.json("model", "archive", "churn:2", "-w", dev)
        listed = {
            flag: run.json("model", "list", "churn", *flag, "-w", dev)
            for flag in ((), ("--archived-only",), ("--include-archived",))
        }
        assert [[one["version"] for one in found] for found in listed.values()] == [["1"], ["2"], ["2", "1"]]
        assert run.json("model", "restore", "churn:2", "-w", dev)["archived"] is False

    def test_an_empty_list_is_json_too_and_a_remark_for_people(self, run, dev):
        assert run("model", "list", "-w", dev, "-o", "json").out == "[]\n"
        for_people = run("model", "list", "-w", dev)
        assert (for_people.out, for_people.err) == ("", "None.\n")

    def test_a_table_has_titles_and_no_colours(self, run, dev, model):
        lines = run("model", "list", "churn", "-w", dev).out.splitlines()
        assert lines[0].split()[:3] == ["name", "version", "type"]
        assert lines[1].split()[:3] == ["churn", "1", "custom_model"]
        assert "\x1b" not in "".join(lines)

    def test_wrong_wishes(self, run, dev):
        run.misused("model", "list", "--archived-only", "--include-archived", "-w", dev)
        run.misused("model", "list", "--max-results", "0", "-w", dev)
        assert "lacking" in run.refused("model", "list", "lacking", "-w", dev)


class TestChanging:
    def test_what_is_said_changes_and_what_set_does_not_name_stays(self, run, dev, model):
        run.json("model", "update", "churn:1", "--tags", "a=1", "--description", "first", "-w", dev)
        changed = run.json("model", "update", "churn@latest", "--set", "tags.approved=true", "-w", dev)
        assert (changed["tags"], changed["description"]) == ({"a": "1", "approved": "true"}, "first")
        assert run.json("model", "update", "churn", "--description", "of the name", "-w", dev)["latest_version"] == "1"

    def test_content_cannot_be_changed(self, run, dev, model):
        assert "'type'" in run.misused("model", "update", "churn:1", "--set", "type=mlflow_model", "-w", dev)

    def test_wrong_wishes(self, run, dev, model):
        assert "--description" in run.refused("model", "update", "churn:1", "-w", dev)
        assert "KEY=VALUE" in run.misused("model", "update", "churn:1", "--tags", "approved", "-w", dev)
        run.refused("model", "archive", "churn:7", "-w", dev)
        run.refused("model", "restore", "lacking", "-w", dev)

    def test_an_alias_moves(self, run, dev, folder, model):
        run.json("model", "create", "churn", "--path", "churn", "--version", "2", "-w", dev)
        for version in ("1", "2"):
            run.json("model", "alias", "set", "--name", "churn", "--alias", "champion", "--version", version, "-w", dev)
            assert run.json("model", "show", "churn@champion", "-w", dev)["version"] == version
        assert {"alias": "champion", "version": "2"} in run.json("model", "alias", "list", "churn", "-w", dev)
        run.json("model", "alias", "delete", "churn", "--alias", "champion", "-w", dev)
        assert [one["alias"] for one in run.json("model", "alias", "list", "churn", "-w", dev)] == ["latest"]

    def test_an_alias_that_cannot_be(self, run, dev, model):
        run.refused("model", "alias", "set", "churn", "--alias", "champion", "--version", "7", "-w", dev)
        assert "latest" in run.refused(
            "model", "alias", "set", "churn", "--alias", "latest", "--version", "1", "-w", dev
        )
        assert "--alias" in run.misused("model", "alias", "delete", "churn", "-w", dev)
        run.refused("model", "alias", "list", "lacking", "-w", dev)


class TestDeleting:
    def test_it_is_gone_for_good(self, run, dev, model):
        assert run.json("model", "delete", "churn:1", "--yes", "-w", dev) == {"deleted": "churn:1"}
        run.refused("model", "show", "churn:1", "-w", dev)

    def test_nobody_is_asked_where_nobody_sits(self, run, dev, model):
        assert "--yes" in run.misused("model", "delete", "churn:1", "-w", dev)
        assert run.json("model", "show", "churn:1", "-w", dev)["id"] == model["id"]

    def test_a_version_is_named(self, run, dev, model):
        run.misused("model", "delete", "churn", "--yes", "-w", dev)
        run.refused("model", "delete", "churn@lacking", "--yes", "-w", dev)


class TestDownloading:
    def test_files_come_into_a_folder_with_the_name(self, run, dev, model, tmp_path):
        said = run.json("model", "download", "churn:1", "--download-path", "got", "-w", dev)
        assert said == {"name": "churn", "version": "1", "path": "got/churn", "files": 2, "bytes": 19}
        assert (tmp_path / "got" / "churn" / "data" / "weights.bin").read_bytes() == b"weights"

    def test_other_files_are_not_replaced_unless_that_is_meant(self, run, dev, model, tmp_path):
        run.json("model", "download", "churn", "-p", "got", "-w", dev)
        (tmp_path / "got" / "churn" / "MLmodel").write_text("mine")
        assert "MLmodel" in run.refused("model", "download", "churn", "-p", "got", "-w", dev)
        run.json("model", "download", "churn", "-p", "got", "--overwrite", "-w", dev)
        assert (tmp_path / "got" / "churn" / "MLmodel").read_text() == "flavors: {}\n"

    def test_what_has_no_files_says_where_it_stands(self, run, dev):
        run.json("environment", "create", "py", "--image", "some/image", "-w", dev)
        answer = run("environment", "download", "py", "-w", dev)
        assert answer.status == 0
        assert "environment show py:1" in answer.err

    def test_what_is_not_there_is_not_downloaded(self, run, dev, tmp_path):
        run.refused("model", "download", "lacking", "-p", "got", "-w", dev)
        assert not (tmp_path / "got").exists()
