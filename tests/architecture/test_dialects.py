"""Whatever goes wrong, every dialect has a word for it."""

import importlib

from regista.errors import ErrorCode
from tests.architecture.rules.dialects import dialects_without_table, spoken_dialects, unanswered


def test_every_dialect_of_regista_has_a_table(package):
    assert dialects_without_table(package) == []


def test_every_error_has_an_answer_in_every_dialect_of_regista(package):
    with_table = set(spoken_dialects(package)) - set(dialects_without_table(package))
    tables = {dialect: importlib.import_module(f"regista.dialects.{dialect}.errors").ANSWER for dialect in with_table}
    assert {dialect: unanswered(table) for dialect, table in tables.items()} == {dialect: [] for dialect in tables}


class TestPlantedFaults:
    def test_a_dialect_that_says_anything_needs_a_table(self, plant):
        files = ("silent/__init__.py", "rude/__init__.py", "rude/routes.py", "polite/routes.py", "polite/errors.py")
        assert dialects_without_table(plant({f"dialects/{where}": "x = 1\n" for where in files})) == ["rude"]

    def test_a_code_without_an_answer_and_an_answer_without_a_code_are_found(self):
        table = dict.fromkeys(ErrorCode, 500) | {"teapot": 418}
        del table[ErrorCode.IN_USE]
        assert unanswered(table) == ["in_use", "teapot"]

    def test_a_total_table_is_fine(self):
        assert unanswered(dict.fromkeys(ErrorCode, 500)) == []
