"""What docs/azureml.md says works is what the SDK's own tests recorded, of every method that there is."""

import pytest

from scripts.azureml_table import FIRST, PAGE, SHARED, HolesError, main, read_record, render, renewed, table_of
from tests.support.azureml_client import scripts


def call(method: str, outcome: str, scope: str = "workspace", why: tuple[str, ...] = ()) -> dict[str, object]:
    return {"collection": "jobs", "method": method, "scope": scope, "outcome": outcome, "why": list(why)}


def record(*calls: dict[str, object]) -> dict[str, object]:
    return {"methods": {"jobs": ["get", "list"]}, "scripts": {"one": list(calls)}}


class TestThePage:
    def test_shows_what_was_recorded(self, capsys):
        assert main([]) == 0, capsys.readouterr().out

    def test_rests_on_every_script(self):
        assert set(read_record()["scripts"]) == set(scripts())

    def test_holds_every_collection_that_people_use(self):
        assert set(FIRST) | set(SHARED) <= set(read_record()["methods"])

    def test_is_stale_when_a_method_stops_to_work(self):
        known = read_record()
        first = next(one for calls in known["scripts"].values() for one in calls if one["outcome"] == "works")
        for calls in known["scripts"].values():
            for one in calls:
                if (one["collection"], one["method"]) == (first["collection"], first["method"]):
                    one["outcome"], one["why"] = "refused", ["not any more"]
        page = PAGE.read_text()
        assert renewed(page, render(table_of(known))) != page


class TestTheTable:
    def test_a_method_that_nobody_called_is_a_hole(self):
        with pytest.raises(HolesError, match=r"jobs\.list"):
            table_of(record(call("get", "works")))

    def test_what_worked_once_works_and_tells_what_is_refused_of_it(self):
        refused = call("get", "refused", why=("no sweep jobs",))
        table = table_of(
            record(refused, call("get", "works"), call("list", "works"), call("get", "broken", why=("x",)))
        )
        assert table["jobs"]["get"]["workspace"] == ("works", ("no sweep jobs",))

    def test_a_cell_cannot_break_the_table(self):
        text = render(table_of(record(call("get", "refused", why=("a | b\nc",)), call("list", "works"))))
        assert "| `get` | no: a \\| b c |" in text
