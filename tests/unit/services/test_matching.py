"""Clauses in memory mean what they mean in the catalog."""

import re

import pytest
from hypothesis import given, strategies as st

from regista.entities.search import Clause, Field
from regista.errors import InvalidError
from regista.services.tracking.matching import holds


def says(operator, wanted, value):
    return holds(Clause(Field.TAG, "k", operator, wanted), value)


@pytest.mark.parametrize("operator", ["=", "!=", "<", ">", "LIKE", "ILIKE", "IN", "NOT IN"])
def test_nothing_compares_with_what_has_no_value(operator):
    assert not says(operator, ("x",) if "IN" in operator else "x", None)


def test_absence_is_asked_for():
    assert says("IS NULL", None, None)
    assert not says("IS NULL", None, "")
    assert says("IS NOT NULL", None, "")


def test_text_and_numbers_compare():
    assert says("=", "a", "a")
    assert says("!=", "a", "b")
    assert says(">=", 2, 2.0)
    assert says("<", "3", 2)
    assert says("IN", ("a", "b"), "b")
    assert says("NOT IN", ("a", "b"), "c")


def test_nan_is_unequal_to_every_number_and_neither_less_nor_greater():
    nan = float("nan")
    assert says("!=", 1, nan)
    assert not any(says(operator, 1, nan) for operator in ("=", "<", "<=", ">", ">="))


def test_what_cannot_be_compared_is_refused():
    for operator, wanted, value in (("~", "a", "a"), ("=", "much", 1), ("=", None, "a"), ("<", ("a",), "a")):
        with pytest.raises(InvalidError):
            says(operator, wanted, value)


PATTERNS = st.text("ab%_.\n", max_size=8)


@given(PATTERNS, st.text("abAB.\n", max_size=8))
def test_a_pattern_means_what_the_slow_way_says(pattern, text):
    slow = "".join(".*" if letter == "%" else "." if letter == "_" else re.escape(letter) for letter in pattern)
    assert says("LIKE", pattern, text) is (re.fullmatch(slow, text, re.DOTALL) is not None)
    assert says("ILIKE", pattern, text) is (re.fullmatch(slow, text, re.DOTALL | re.IGNORECASE) is not None)


@pytest.mark.timeout(5)
def test_no_pattern_takes_long():
    assert not says("LIKE", "%a" * 2000 + "b", "a" * 5000)
