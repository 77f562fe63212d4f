"""What callers send, in the three ways of writing a table down."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from regista.agent.scoring import azure, invocations, oip
from regista.agent.scoring.faults import BadRequestError, explain, without_paths
from regista.agent.scoring.payload import Payload
from regista.agent.scoring.prediction import Prediction
from regista.agent.scoring.signature import Signature, parse

FREE = parse(None)
TYPED = parse(
    {
        "inputs": '[{"name": "x", "type": "double", "required": true}, {"name": "n", "type": "long", "required": true}, '
        '{"name": "s", "type": "string", "required": false}]',
        "outputs": '[{"type": "double"}]',
        "params": '[{"name": "depth", "type": "long", "default": 1}]',
    }
)
TENSOR = parse(
    {"inputs": [{"name": "image", "type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2, 2]}}]}
)


def invoked(said: Any, signature: Signature = FREE) -> Payload:
    return invocations.read(json.dumps(said).encode(), "application/json", signature)


def scored(said: Any, signature: Signature = FREE) -> Payload:
    return azure.read(json.dumps(said).encode(), signature)


def inferred(*inputs: dict[str, Any], signature: Signature = FREE) -> Payload:
    return oip.read(json.dumps({"inputs": inputs}).encode(), signature)[0]


class TestInvocations:
    """MLflow's forms."""

    @pytest.mark.parametrize(
        "said",
        [
            {"dataframe_split": {"columns": ["x", "n"], "data": [[1.5, 2], [3, 4]]}},
            {"dataframe_split": {"columns": ["n", "x", "surplus"], "index": [0, 1], "data": [[2, 1.5, 0], [4, 3, 0]]}},
            {"dataframe_records": [{"x": 1.5, "n": 2}, {"n": 4.0, "x": 3}]},
            {"instances": [{"x": 1.5, "n": 2}, {"n": 4, "x": 3}]},
            {"instances": [[1.5, 2, None], [3, 4, None]]},
            {"inputs": {"x": [1.5, 3], "n": [2, 4]}},
            {"inputs": [{"x": 1.5, "n": 2}, {"x": 3, "n": 4}]},
        ],
    )
    def test_every_form_is_the_same_table(self, said: Any) -> None:
        payload = invoked(said, TYPED)
        assert payload.columns == ("x", "n", "s")
        assert payload.rows == [[1.5, 2, None], [3, 4, None]]

    def test_csv_is_read_with_its_types(self) -> None:
        payload = invocations.read(b'n,x,s\r\n2,1.5,"a,b"\r\n4,3e0,\r\n', "text/csv; charset=utf-8", TYPED)
        assert payload.rows == [[1.5, 2, "a,b"], [3.0, 4, None]]

    def test_without_a_signature_the_callers_columns_stand(self) -> None:
        assert invoked({"dataframe_records": [{"b": 1}, {"a": 2}]}).rows == [[1, None], [None, 2]]

    def test_params_go_along(self) -> None:
        assert invoked({"inputs": {"x": 1.0, "n": 1}, "params": {"depth": 3}}, TYPED).params == {"depth": 3}
        with pytest.raises(BadRequestError, match="unknown params: width"):
            invoked({"inputs": {"x": 1.0, "n": 1}, "params": {"width": 3}}, TYPED)

    def test_tensors_by_name_stay_tensors(self) -> None:
        assert invoked({"inputs": {"image": [[[1, 2], [3, 4]]]}}, TENSOR).named == {"image": [[[1, 2], [3, 4]]]}

    @pytest.mark.parametrize(
        ("said", "told"),
        [
            ({"dataframe_records": [{"x": 1.5}]}, "missing columns: n"),
            ({"dataframe_records": [{"x": "1.5", "n": 2}]}, "row 0, column x: '1.5' is not of type double"),
            ({"dataframe_records": [{"x": 1, "n": 2}, {"x": 1, "n": 2.5}]}, "row 1, column n: 2.5 is not of type long"),
            ({"dataframe_records": [{"x": True, "n": 2}]}, "column x: True is not of type double"),
            ({"dataframe_records": [{"x": 1, "n": None}]}, "column n has no value"),
            ({"dataframe_records": [{"x": 1, "n": 2**63}]}, "is not of type long"),
            ({"instances": [[1, 2]]}, "row 0 has 2 values, the model wants 3"),
            ({"instances": 3}, "instances is not a list"),
            ({"inputs": {"x": [1, 2], "n": [1]}}, "different lengths"),
            ({"dataframe_split": {"columns": ["x", "n"], "data": [[1]]}}, "row 0 has not 2 values"),
            ({"dataframe_split": {"columns": ["x", "x"], "data": []}}, "twice"),
            ({"dataframe_split": []}, "dataframe_split is not"),
            ({"dataframe_records": [3]}, "element 0 is a number"),
            ({"data": [1]}, "unknown: data"),
            ({}, "exactly one of"),
            ({"inputs": [], "instances": []}, "exactly one of"),
            ([1], "not an object"),
        ],
    )
    def test_what_is_wrong_is_said(self, said: Any, told: str) -> None:
        with pytest.raises(BadRequestError, match=told.replace("(", r"\(")):
            invoked(said, TYPED)

    def test_the_refusal_says_what_the_model_wants(self) -> None:
        with pytest.raises(BadRequestError) as refused:
            invoked({"dataframe_records": [{}]}, TYPED)
        assert {"name": "x", "type": "double", "required": True} in refused.value.expected

    def test_an_unknown_content_type_is_refused(self) -> None:
        with pytest.raises(BadRequestError, match="image/png"):
            invocations.read(b"x", "image/png", FREE)


class TestAzure:
    """Azure's envelope."""

    @pytest.mark.parametrize(
        "data",
        [
            {"columns": ["x", "n", "s"], "index": [0], "data": [[1.5, 2, "a"]]},
            [[1.5, 2, "a"]],
            [{"x": 1.5, "n": 2, "s": "a"}],
            {"x": [1.5], "n": [2], "s": ["a"]},
        ],
    )
    def test_every_form_is_the_same_table(self, data: Any) -> None:
        assert scored({"input_data": data}, TYPED).rows == [[1.5, 2, "a"]]

    @pytest.mark.parametrize(
        "said", [{}, [], {"input_data": 3}, {"input_data": [], "x": 1}, {"input_data": [], "params": 3}, None]
    )
    def test_other_bodies_are_refused(self, said: Any) -> None:
        with pytest.raises(BadRequestError):
            scored(said)


class TestOpenInference:
    """Tensors with their shapes."""

    def test_one_matrix_is_a_table(self) -> None:
        flat = {"name": "a", "shape": [2, 2], "datatype": "FP64", "data": [1, 2, 3, 4]}
        nested = {**flat, "data": [[1, 2], [3, 4]]}
        assert inferred(flat).rows == inferred(nested).rows == [[1, 2], [3, 4]]

    def test_several_inputs_are_columns(self) -> None:
        x = {"name": "x", "shape": [2, 1], "datatype": "FP64", "data": [1.5, 3]}
        n = {"name": "n", "shape": [2], "datatype": "INT64", "data": [2, 4]}
        assert inferred(n, x, signature=TYPED).rows == [[1.5, 2, None], [3, 4, None]]

    @pytest.mark.parametrize(
        "change",
        [
            {"shape": [3, 2]},
            {"shape": [2, -2]},
            {"shape": [2, 2.0]},
            {"shape": []},
            {"shape": [2**40, 0], "data": []},
            {"shape": [1] * 100, "data": [1]},
            {"shape": None},
            {"datatype": "FP128"},
            {"datatype": ["FP64"]},
            {"datatype": "INT64", "data": [1, 2, 3, 4.5]},
            {"datatype": "BOOL"},
            {"data": [1, 2, 3, "4"]},
            {"data": [1, 2, 3, True]},
            {"data": "AQID"},
            {"data": None},
            {"name": 3},
        ],
    )
    def test_a_tensor_that_does_not_add_up_is_refused(self, change: dict[str, Any]) -> None:
        with pytest.raises(BadRequestError):
            inferred({"name": "a", "shape": [2, 2], "datatype": "FP64", "data": [1, 2, 3, 4], **change})

    def test_predictions_become_named_tensors(self) -> None:
        assert oip.outputs(Prediction([1, 2], "int32", 2), TYPED) == [
            {"name": "predict", "shape": [2], "datatype": "INT32", "data": [1, 2]}
        ]
        records = oip.outputs(Prediction([{"a": 1.5, "b": "x"}], None, 1), FREE)
        assert [(one["name"], one["datatype"], one["data"]) for one in records] == [
            ("a", "FP64", [1.5]),
            ("b", "BYTES", ["x"]),
        ]
        assert oip.outputs(Prediction([[True], [False]]), FREE)[0]["shape"] == [2, 1]

    def test_metadata_tells_the_signature(self) -> None:
        assert oip.metadata(TYPED)["inputs"][1] == {"name": "n", "datatype": "INT64", "shape": [-1]}
        assert oip.metadata(TENSOR)["inputs"] == [{"name": "image", "datatype": "FP32", "shape": [-1, 2, 2]}]


JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    *invocations.FORMS,
                    "input_data",
                    "params",
                    "columns",
                    "data",
                    "x",
                    "n",
                    "name",
                    "shape",
                    "datatype",
                    "inputs",
                    "id",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSONISH, st.sampled_from([FREE, TYPED, TENSOR]))
def test_no_json_gets_past_a_refusal_or_a_payload(said: Any, signature: Signature) -> None:
    body = json.dumps(said).encode()
    for read in (
        lambda: invocations.read(body, "", signature),
        lambda: azure.read(body, signature),
        lambda: oip.read(body, signature)[0],
    ):
        try:
            payload = read()
        except BadRequestError as refused:
            assert refused.message  # noqa: PT017 - either way is right
        else:
            assert payload.columns is None or all(len(row) == len(payload.columns) for row in payload.rows)


@given(st.binary(max_size=300), st.sampled_from(["text/csv", "application/json"]))
def test_no_bytes_get_past_a_refusal_or_a_payload(body: bytes, kind: str) -> None:
    try:
        invocations.read(body, kind, TYPED)
    except BadRequestError as refused:
        assert refused.message  # noqa: PT017 - either way is right


def test_deep_nesting_is_refused_and_not_a_crash() -> None:
    with pytest.raises(BadRequestError):
        azure.read(b'{"input_data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", FREE)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("[Errno 2] No such file: '/var/lib/x/model.pkl'", "[Errno 2] No such file: '.../model.pkl'"),
        ("see https://example.org/a/b", "see https://example.org/a/b"),
        ("a/b and 1/2", "a/b and 1/2"),
        ("at C:\\Users\\me\\f.py", "at .../f.py"),
    ],
)
def test_paths_are_cut_down_to_the_files_name(said: str, told: str) -> None:
    assert without_paths(said) == told
    assert explain(OSError(said)) == f"OSError: {told}"
