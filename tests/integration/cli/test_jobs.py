"""Jobs by the command line: submitted, followed, shown, ended, and what they left."""

import threading

import pytest
from pyarrow import parquet

ENVIRONMENT = "environment: {image: any, conda_file: {dependencies: [python=3.11]}}"

COMMAND = f"""
type: command
command: >-
  printf 'one\\ntwo\\nthree without an end' && printf weights > ${{{{outputs.model}}}}/weights
  && printf note > outputs/note.txt
inputs: {{rate: {{type: number, value: 0.5}}}}
outputs: {{model: {{type: uri_folder}}}}
tags: {{team: risk}}
{ENVIRONMENT}
"""

PIPELINE = f"""
type: pipeline
inputs: {{word: hello}}
outputs: {{text: {{type: uri_folder}}}}
jobs:
  write:
    command: echo ${{{{inputs.word}}}} | tee ${{{{outputs.text}}}}/text
    inputs: {{word: "${{{{parent.inputs.word}}}}"}}
    outputs: {{text: "${{{{parent.outputs.text}}}}"}}
    {ENVIRONMENT}
  inner:
    type: pipeline
    inputs: {{text: "${{{{parent.jobs.write.outputs.text}}}}"}}
    jobs:
      read:
        command: cat ${{{{inputs.text}}}}/text; exit ${{{{inputs.status}}}}
        inputs: {{text: "${{{{parent.inputs.text}}}}", status: STATUS}}
        {ENVIRONMENT}
"""


@pytest.fixture
def write(tmp_path):
    def write(text):
        (tmp_path / "job.yml").write_text(text)
        return "job.yml"

    return write


@pytest.fixture
def done(run, dev, write):
    """A command that has ended well."""
    answer = run("job", "create", "-f", write(COMMAND), "--name", "first", "-s", "-w", dev)
    assert answer.status == 0, answer.err
    return answer


@pytest.mark.slow
class TestACommand:
    def test_is_followed_to_its_last_word(self, done):
        lines = [line for line in done.out.splitlines() if not line.startswith(("[regista]", "first:"))]
        assert lines == ["one", "two", "three without an end"]
        assert done.out.splitlines()[-1].startswith("first: Completed in ")

    def test_can_be_followed_again_when_it_is_over(self, run, dev, done):
        again = run("job", "stream", "first", "-w", dev)
        assert again.status == 0
        assert again.out.splitlines()[-2:] == done.out.splitlines()[-2:]

    def test_is_shown_without_its_plan_to_people_and_whole_to_programs(self, run, dev, done):
        card = run("job", "show", "first", "-w", dev).out
        assert "Completed" in card
        assert "rate=0.5" in card
        assert "model (uri_folder)" in card
        assert "printf" not in card
        whole = run.json("job", "show", "first", "-w", dev)
        assert "printf" in whole["spec"]["command"]
        assert whole["tags"]["team"] == "risk"

    def test_leaves_outputs_that_can_be_named_and_fetched(self, run, dev, done, tmp_path):
        rows = {row["output"]: row for row in run.json("job", "outputs", "first", "-w", dev)}
        assert rows["model"]["reference"] == "azureml://jobs/first/outputs/model"
        run.json("job", "download", "first", "--output-name", "model", "-p", "here", "-w", dev)
        assert (tmp_path / "here" / "model" / "weights").read_text() == "weights"
        run.json("job", "download", "first", "--output-name", "artifacts", "-w", dev)
        assert (tmp_path / "artifacts" / "note.txt").read_text() == "note"
        assert "lacking" in run.refused("job", "download", "first", "--output-name", "lacking", "-w", dev)

    def test_is_hidden_and_found_again(self, run, dev, done):
        run.json("job", "archive", "first", "-w", dev)
        assert run.json("job", "list", "-w", dev) == []
        assert len(run.json("job", "list", "--archived-only", "-w", dev)) == 1
        assert len(run.json("job", "list", "--include-archived", "-w", dev)) == 1
        run.json("job", "restore", "first", "-w", dev)
        assert [one["name"] for one in run.json("job", "list", "-w", dev)] == ["first"]

    def test_can_be_told_more_about(self, run, dev, done):
        changed = run.json("job", "update", "first", "--tags", "approved=yes", "--description", "good", "-w", dev)
        assert changed["tags"] == {"team": "risk", "approved": "yes"}
        assert changed["description"] == "good"
        run.refused("job", "update", "first", "-w", dev)

    def test_submitted_again_as_it_is_changes_nothing_and_otherwise_is_refused(self, run, dev, write, done):
        run.json("job", "create", "-f", write(COMMAND), "--name", "first", "-w", dev)
        assert len(run.json("job", "list", "-w", dev)) == 1
        other = run.refused("job", "create", "-f", "job.yml", "--name", "first", "--set", "inputs.rate=1", "-w", dev)
        assert "'first'" in other

    def test_gets_a_name_where_none_is_said_and_takes_overrides(self, run, dev, write):
        made = run.json("job", "create", "-f", write(COMMAND), "--set", "inputs.rate=0.7", "-w", dev)
        assert made["name"]
        assert made["inputs"]["rate"]["value"] == "0.7"

    def test_ends_when_it_is_canceled_and_so_does_who_follows_it(self, run, server, dev, write):
        write(COMMAND.replace("printf 'one", "sleep 600; printf 'one"))
        run.json("job", "create", "-f", "job.yml", "--name", "long", "-w", dev)
        jobs = server.client(workspace=dev).jobs  # two commands at once in one process would mix what they print
        canceling = threading.Timer(1, lambda: jobs.cancel("long"))
        canceling.start()
        followed = run("job", "stream", "long", "-w", dev)
        canceling.join()
        assert followed.status == 1
        assert followed.out.splitlines()[-1].startswith("long: Canceled")


MEASURING = f"""
type: pipeline
jobs:
  fit:
    command: >-
      python -c "import regista_tracking as t; [t.log_metric('loss', 1 / (n + 1), step=n) for n in range(3)];
      t.log_metric('odd/key', float('nan')); t.log_param('depth', 4)"
    {ENVIRONMENT}
"""


@pytest.mark.slow
class TestMetrics:
    @pytest.fixture
    def measured(self, run, dev, write):
        answer = run("job", "create", "-f", write(MEASURING), "--name", "m", "-s", "-w", dev)
        assert answer.status == 0, answer.out
        return "m_fit"

    def test_are_shown_with_the_job_and_by_themselves(self, run, dev, measured):
        assert run.json("job", "show", measured, "-w", dev)["metrics"] == {"loss": 1 / 3, "odd/key": "NaN"}
        assert run.json("job", "show", measured, "-w", dev)["params"] == {"depth": "4"}
        assert "loss=0.333333, odd/key=nan" in run("job", "show", measured, "-w", dev).out
        assert "loss=0.333333" in run("job", "show", "m", "-w", dev).out
        latest = run.json("job", "metrics", "m", "-w", dev)
        assert [(row["node"], row["metric"], row["step"]) for row in latest] == [
            ("fit", "loss", 2),
            ("fit", "odd/key", 0),
        ]

    def test_have_a_history(self, run, dev, measured):
        history = run.json("job", "metrics", "m", "--metric", "loss", "-w", dev)
        assert [(row["step"], row["value"]) for row in history] == [(0, 1.0), (1, 0.5), (2, 1 / 3)]
        assert len(run.json("job", "metrics", "m", "--metric", "loss", "--max-results", "2", "-w", dev)) == 2
        assert run("job", "metrics", measured, "-m", "odd/key", "-w", dev).out.splitlines()[0].startswith("metric")

    def test_are_kept_as_columns(self, run, server, dev, measured, tmp_path):
        file = tmp_path / "m.parquet"
        assert str(file) in run("job", "metrics", "m", "-o", "parquet", "--file", str(file), "-w", dev).err
        assert [path.name for path in tmp_path.glob("m.parquet*")] == ["m.parquet"]
        table = server.client(workspace=dev).jobs.table("m", "loss")
        assert table.column("value").to_pylist() == [1.0, 0.5, 1 / 3]
        kept = [row for row in parquet.read_table(file).to_pylist() if row["metric"] == "loss"]
        assert kept == table.to_pylist()
        assert "--file" in run("job", "metrics", "m", "--file", str(file), "-w", dev).err
        assert "leave" in run("job", "metrics", "m", "-o", "arrow", "--max-results", "1", "-w", dev).err
        assert "loss, odd/key" in run.refused("job", "metrics", "m", "-m", "no", "-o", "arrow", "-f", "x", "-w", dev)
        assert "written" in run.refused("job", "metrics", "m", "-o", "arrow", "-f", str(tmp_path / "no/x"), "-w", dev)
        assert [one.step for one in server.client(workspace=dev).jobs.thinned(measured, "loss", 4)] == [0, 1, 2]

    def test_that_are_not_there_are_named_with_those_that_are(self, run, dev, measured):
        assert "loss, odd/key" in run.refused("job", "metrics", "m", "--metric", "los", "-w", dev)


@pytest.mark.slow
class TestAPipeline:
    def test_is_followed_step_by_step(self, run, dev, write):
        answer = run("job", "create", "-f", write(PIPELINE.replace("STATUS", "0")), "--name", "p", "-s", "-w", dev)
        assert answer.status == 0, answer.err
        lines = answer.out.splitlines()
        assert lines.index("[write] hello") < lines.index("[inner/read] hello")
        assert any(line.startswith("inner/read: Completed") for line in lines)
        assert lines[-1].startswith("p: Completed")
        assert "write" in run("job", "show", "p", "-w", dev).out
        assert [one["node"] for one in run.json("job", "list", "--parent", "p", "-w", dev)] == ["inner", "write"]

    def test_says_what_was_reused(self, run, dev, write):
        write(PIPELINE.replace("STATUS", "0"))
        run("job", "create", "-f", "job.yml", "--name", "p", "-s", "-w", dev)
        again = run("job", "create", "-f", "job.yml", "--name", "q", "-s", "-w", dev)
        assert "write: Completed (as p_write did: nothing it depends on has changed)" in again.out

    def test_that_fails_says_which_step_and_exits_with_1(self, run, dev, write):
        answer = run("job", "create", "-f", write(PIPELINE.replace("STATUS", "3")), "--name", "p", "-s", "-w", dev)
        assert answer.status == 1
        assert "inner/read: Failed: its command ended with exit code 3" in answer.out
        assert answer.out.splitlines()[-1].startswith("p: Failed")
        assert f"regista job stream p -w {dev}" in run("job", "show", "p", "-w", dev).err

    def test_followed_by_a_program_answers_with_json_alone(self, run, dev, write):
        write(PIPELINE.replace("STATUS", "0"))
        told = run.json("job", "create", "-f", "job.yml", "--name", "p", "-s", "-w", dev)
        assert told["status"] == "Completed"


class TestMistakes:
    def test_what_cannot_run_is_said_at_once(self, run, dev, write):
        assert "nonsense" in run.refused("job", "create", "-f", write("type: nonsense"), "-w", dev)
        unknown = COMMAND.replace("outputs.model", "outputs.modle")
        assert "modle" in run.refused("job", "create", "-f", write(unknown), "-w", dev)
        assert "lacking.yml" in run.refused("job", "create", "-f", "lacking.yml", "-w", dev)
        assert run.json("job", "list", "-w", dev) == []

    @pytest.mark.parametrize(
        "verb", ["show", "stream", "cancel", "archive", "restore", "outputs", "download", "metrics"]
    )
    def test_a_job_that_is_not_there_is_named(self, run, dev, verb):
        assert "'lacking'" in run.refused("job", verb, "lacking", "-w", dev)

    def test_a_registry_has_no_jobs(self, run, central):
        assert "--workspace-name" in run.misused("job", "list", "-r", central)

    def test_wrong_usage(self, run, dev):
        run.misused("job", "create", "-w", dev)
        run.misused("job", "show", "-w", dev)
        run.misused("job", "list", "--archived-only", "--include-archived", "-w", dev)
