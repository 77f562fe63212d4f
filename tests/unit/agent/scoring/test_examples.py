"""The example that a caller is shown who sent something else is one that would be read."""

import json

import pytest

from regista.agent.scoring import azure, examples, invocations
from regista.agent.scoring.signature import Signature, parse

COLUMNS = parse(
    {
        "inputs": json.dumps(
            [
                {"name": "carrier", "type": "string"},
                {"name": "hour", "type": "long"},
                {"name": "distance", "type": "double"},
            ]
        )
    }
)
SAMPLE = {"dataframe_split": {"columns": ["carrier", "hour", "distance"], "data": [["UA", 5, 1400.0], ["B6", 6, 1.0]]}}
FREE = Signature(None, None, None)


def test_the_first_row_of_the_models_own_example_is_shown() -> None:
    first = {"columns": ["carrier", "hour", "distance"], "data": [["UA", 5, 1400.0]]}
    found = examples.of(COLUMNS, json.dumps(SAMPLE).encode())
    assert found == {"/score": {"input_data": first}, "/invocations": {"dataframe_split": first}}


@pytest.mark.parametrize(
    "sample", [None, b"no json", b"[]", b'{"dataframe_split": {"columns": ["other"], "data": [[1]]}}']
)
def test_without_a_good_one_it_is_made_of_the_signature(sample: bytes | None) -> None:
    found = examples.of(COLUMNS, sample)
    assert found["/score"] == {"input_data": {"columns": ["carrier", "hour", "distance"], "data": [["text", 1, 1.5]]}}
    assert azure.read(json.dumps(found["/score"]).encode(), COLUMNS).rows == [["text", 1, 1.5]]
    body = json.dumps(found["/invocations"]).encode()
    assert invocations.read(body, "application/json", COLUMNS).rows == [["text", 1, 1.5]]


@pytest.mark.parametrize(
    ("sample", "shown"),
    [
        ({"inputs": [[1, 2], [3, 4]]}, [[1, 2]]),
        ({"instances": [[1, 2], [3, 4]]}, [[1, 2]]),
        ({"dataframe_records": [{"a": 1}, {"a": 2}]}, [{"a": 1}]),
        ({"inputs": {"image": [[0.5]]}}, {"image": [[0.5]]}),
    ],
)
def test_every_form_of_example_is_understood(sample: object, shown: object) -> None:
    assert examples.of(FREE, json.dumps(sample).encode())["/score"] == {"input_data": shown}


def test_nothing_is_shown_where_nothing_is_known_or_it_would_be_long() -> None:
    assert examples.of(FREE, None) == {}
    assert examples.of(FREE, json.dumps({"inputs": [[1.0] * 5000]}).encode()) == {}
    unknown = parse({"inputs": json.dumps([{"name": "a", "type": "array"}])})
    assert examples.of(unknown, None) == {}
