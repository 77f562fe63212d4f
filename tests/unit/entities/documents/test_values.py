"""Values of literal inputs: what a declaration allows, and the text that the command sees."""

import pytest

from regista.entities.documents.inputs import InputSpec, check_value
from regista.errors import InvalidError


@pytest.mark.parametrize(
    ("type_", "value", "text"),
    [
        ("integer", 5, "5"), ("integer", "5", "5"), ("integer", " 5 ", "5"), ("integer", 5.0, "5"), ("integer", 10**30, "1" + "0" * 30),
        ("number", 0.1, "0.1"), ("number", 5, "5"), ("number", "1e-3", "1e-3"), ("number", "0.10", "0.10"),
        ("boolean", True, "True"), ("boolean", "false", "False"), ("boolean", "TRUE", "True"),
        ("string", "a b", "a b"), ("string", "", ""), ("string", 5, "5"), ("string", True, "True"), ("", 5, "5"),
    ],
)  # fmt: skip
def test_a_value_becomes_text(type_, value, text):
    assert check_value(InputSpec(type=type_), value) == text


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("integer", 5.5), ("integer", "5.5"), ("integer", True), ("integer", "1_000"), ("integer", "٣"), ("integer", ""),
        ("integer", "9" * 5000), ("integer", float("inf")), ("number", "fast"), ("number", False), ("number", []), ("number", None),
        ("boolean", 1), ("boolean", "yes"), ("string", None), ("string", {}), ("uri_folder", "x"),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_refused(type_, value):
    with pytest.raises(InvalidError, match=r"^x: "):
        check_value(InputSpec(type=type_), value, where="x")


@pytest.mark.parametrize("value", [0, 1, "0.5", 1.0])
def test_bounds_are_inclusive(value):
    check_value(InputSpec(type="number", min=0, max=1), value)


@pytest.mark.parametrize("value", [-1, 1.01, "2", "nan", "inf"])
def test_what_is_out_of_bounds_is_refused(value):
    with pytest.raises(InvalidError, match=r"minimum|maximum"):
        check_value(InputSpec(type="number", min=0, max=1), value)


def test_only_what_is_in_the_enumeration_is_allowed():
    spec = InputSpec(type="string", enum=("red", "blue"))
    assert check_value(spec, "red") == "red"
    with pytest.raises(InvalidError, match="'green' is none of red, blue"):
        check_value(spec, "green")
