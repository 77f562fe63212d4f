"""What all commands share: cells, cards, tables, scopes and names."""

import json
import time

import click
import pytest
from click.testing import CliRunner

from regista.cli import frame
from regista.cli.access import seconds
from regista.cli.references import taken_apart


def shown(value, output="table", columns=()):
    command = click.Command("show", callback=lambda: frame.show(value, output, columns))
    return CliRunner().invoke(command, catch_exceptions=False)


class TestCells:
    @pytest.mark.parametrize(
        ("name", "value", "text"),
        [
            ("size", 0, "0 B"),
            ("size", 999, "999 B"),
            ("size", 1500, "1.5 KB"),
            ("moved", 5_000_000_000, "5.0 GB"),
            ("bytes", 10**16, "10000.0 TB"),
            ("archived", True, "yes"),
            ("archived", False, "no"),
            ("tags", {"a": "1", "b": "2"}, "a=1, b=2"),
            ("regions", ["eu", "us"], "eu, us"),
            ("name", None, ""),
            ("count", 0, "0"),
            ("created_at", 0, ""),
        ],
    )
    def test_values_are_written_for_people(self, name, value, text):
        assert frame.cell(name, value) == text

    def test_times_are_local(self, monkeypatch):
        monkeypatch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        try:
            assert frame.cell("created_at", 1_700_000_000_000) == "2023-11-14 23:13:20"
        finally:
            monkeypatch.undo()
            time.tzset()

    def test_a_dotted_name_reaches_inside_and_finds_nothing_where_there_is_nothing(self):
        row = {"key": {"name": "k"}, "flat": 1}
        assert [frame.reach(row, name) for name in ("key.name", "key.lacking", "flat.deeper")] == ["k", None, None]

    @pytest.mark.parametrize(
        ("path", "text"),
        [
            ("/subscriptions/s/resourceGroups/g/workspaces/dev", "workspace dev"),
            ("/subscriptions/s/resourceGroups/g/registries/central", "registry central"),
            ("", ""),
        ],
    )
    def test_a_scope_is_named_shortly(self, path, text):
        assert frame.place(path) == text


class TestAnswers:
    def test_json_and_yaml_hold_everything(self):
        value = {"name": "x", "empty": "", "deep": {"a": [1, {"b": None}]}}
        assert json.loads(shown(value, "json").stdout) == value
        assert "deep:\n  a:\n" in shown(value, "yaml").stdout

    def test_a_card_leaves_out_what_is_empty_and_writes_what_is_deep_as_a_block(self):
        lines = shown(
            {"name": "x", "empty": "", "tags": {}, "spec": {"image": "i", "conda": {"name": "c"}}}
        ).stdout.splitlines()
        assert lines == ["name  x", "spec  ", "    image: i", "    conda:", "      name: c"]

    def test_a_table_is_aligned(self):
        rows = [{"name": "a", "size": 1}, {"name": "longer", "size": 2000}]
        assert shown(rows, columns=("name", "size")).stdout.splitlines() == [
            "name    size",
            "a       1 B",
            "longer  2.0 KB",
        ]

    def test_a_table_fits_into_the_terminal_and_is_whole_elsewhere(self, monkeypatch, capsys):
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setenv("COLUMNS", "60")
        rows = [{"name": "n" * 24, "path": "p" * 50, "made_at": 1_700_000_000_000, "note": "short"}]
        columns = ("name", "path", "made_at", "note")
        frame.show(rows, "table", columns)
        assert "p" * 50 in capsys.readouterr().out
        monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
        frame.show(rows, "table", columns)
        seen = capsys.readouterr()
        assert max(map(len, seen.out.splitlines())) <= 60
        assert f"{'n' * 24}  {'p' * 26}…  short" in seen.out
        assert "No room for: made at" in seen.err

    @pytest.mark.parametrize(
        ("widths", "empty", "room", "fitted"),
        [
            ({"name": 4, "size": 10}, {"size"}, 80, {"name": 4, "size": 10}),
            ({"name": 30, "a": 30, "b": 20}, (), 60, {"name": 30, "a": 13, "b": 13}),
            ({"name": 30, "a": 30, "b": 20}, {"a"}, 50, {"name": 30, "b": 18}),
            ({"name": 90, "a": 12}, (), 40, {"name": 90}),
            ({"name": 20, "at": 19, "error": 40, "by": 5}, (), 50, {"name": 20, "error": 21, "by": 5}),
            ({"name": 20, "at": 19, "by": 5}, (), 50, {"name": 20, "at": 19, "by": 5}),
        ],
    )
    def test_what_gives_way_is_long_or_empty_or_a_time_and_never_the_name(self, widths, empty, room, fitted):
        assert frame.narrowed(widths, empty, room) == fitted

    def test_no_text_reaches_the_terminals_controls(self):
        wicked = "calm\x1b[31m\x07 down\nnext"
        assert shown([{"name": wicked}], columns=("name",)).stdout.splitlines()[1] == "calm�[31m� down next"
        assert "\x1b" not in shown({"description": wicked, "tags": {"a": wicked}}).stdout

    def test_an_empty_table_leaves_standard_output_empty(self):
        answer = shown([], columns=("name",))
        assert (answer.stdout, answer.stderr) == ("", "None.\n")


class TestWords:
    def test_pairs(self):
        assert frame.pairs(("a=1", "b=x=y", "c="), "tags") == {"a": "1", "b": "x=y", "c": ""}
        for wrong in ("a", "=1"):
            with pytest.raises(click.UsageError, match="KEY=VALUE"):
                frame.pairs((wrong,), "tags")

    @pytest.mark.parametrize(
        ("name", "parts"),
        [("m", ("m", "", "")), ("m:3", ("m", "3", "")), ("m@best", ("m", "", "best")), ("m:1@2", ("m", "1@2", ""))],
    )
    def test_a_name_says_its_version(self, name, parts):
        assert taken_apart(name) == parts

    @pytest.mark.parametrize(
        ("text", "span"), [(None, None), ("90s", 90), ("15m", 900), ("12h", 43200), ("30d", 2592000)]
    )
    def test_spans_of_time(self, text, span):
        assert seconds(text) == span

    @pytest.mark.parametrize("text", ["", "30", "d", "-3d", "1.5h", "3 weeks"])
    def test_what_is_no_span_of_time(self, text):
        with pytest.raises(click.UsageError, match="30d"):
            seconds(text)


class TestConfirming:
    def test_nobody_is_asked_where_nobody_sits(self):
        frame.confirm("Delete?", yes=True)
        with CliRunner().isolation(), pytest.raises(click.UsageError, match="--yes"):
            frame.confirm("Delete?", yes=False)

    def test_colours_are_for_terminals_that_want_them(self, monkeypatch):
        monkeypatch.delenv("NO_COLOR", raising=False)
        assert not frame.is_colored()
        monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
        assert frame.is_colored()
        monkeypatch.setenv("NO_COLOR", "1")
        assert not frame.is_colored()
