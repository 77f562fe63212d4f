"""A comparison for people."""

import click
import pytest
from click.testing import CliRunner

from regista.cli.compare import addressed, number, print_comparison
from regista.entities.comparison import Comparison, Difference, MetricRow, RunSummary, Verdict

RUNS = (
    RunSummary(workspace="dev", name="J1", status="Completed"),
    RunSummary(workspace="prod", name="J2", status="Running"),
)
RMSE = MetricRow(
    metric="rmse",
    values=(10.0, 10.5),
    difference=0.5,
    relative=0.05,
    interval=(0.1, 0.9),
    basis="Welch",
    verdict=Verdict.HOLDS,
)


def printed(**changes):
    found = Comparison(
        **{
            "runs": RUNS,
            "metrics": (RMSE, MetricRow(metric="auc", values=(0.9, None))),
            "differences": (Difference(what="data", name="flights", values=("sha256:aa", "")),),
            "same_pipeline": True,
            "verdict": Verdict.HOLDS,
            "explanation": "Within 10%.",
        }
        | changes
    )
    with CliRunner().isolation() as (out, _, _):
        print_comparison(found)
        return out.getvalue().decode()


class TestPrinting:
    def test_metrics_differences_and_verdict_stand_below_each_other(self):
        lines = [" ".join(line.split()) for line in printed().splitlines()]
        assert lines[0] == "metric dev/J1 prod/J2 difference 95% interval verdict"
        assert lines[1] == "rmse 10 10.5 +0.5 +5.0% [+0.1, +0.9] holds"
        assert lines[2] == "auc 0.9 - -"
        assert "Interval: Welch." in lines
        assert "data flights sha256:aa -" in lines
        assert "Not completed: prod/J2 is Running." in lines
        assert lines[-1] == "Verdict: holds. Within 10%."

    def test_what_is_not_there_is_said(self):
        text = printed(metrics=(), differences=())
        assert "no metrics" in text
        assert "do not differ" in text

    def test_more_than_two_get_no_verdict(self):
        runs = (*RUNS, RunSummary(workspace="test", name="J3"))
        text = printed(
            runs=runs, metrics=(MetricRow(metric="a", values=(1.0, 2.0, 3.0)),), differences=(), verdict=None
        )
        assert text.splitlines()[0].split() == ["metric", "dev/J1", "prod/J2", "test/J3"]
        assert "Verdict" not in text


class TestWords:
    @pytest.mark.parametrize(
        ("text", "workspace", "found"),
        [("dev/J", "", ("dev", "J")), ("J", "dev", ("dev", "J")), ("s:g:dev/J", "other", ("s:g:dev", "J"))],
    )
    def test_a_job_is_named_with_its_workspace(self, text, workspace, found):
        assert addressed(text, workspace) == found

    @pytest.mark.parametrize("text", ["", "J", "/J", "dev/", "a/b/c"])
    def test_anything_else_is_wrong_usage(self, text):
        with pytest.raises(click.UsageError, match="WORKSPACE/JOB"):
            addressed(text, "")

    def test_numbers_are_short(self):
        assert [number(None), number(0.123456789), number(1e-9), number(5.0, "+")] == ["-", "0.123457", "1e-09", "+5"]
