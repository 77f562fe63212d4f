"""Whatever arrives, a parser answers in time: with a value, or with an error that names what is wrong."""

import time

import msgspec
import pytest
import yaml
from hypothesis import given, settings, strategies as st

from regista.entities.documents.component import parse_component
from regista.entities.documents.compute import parse_compute
from regista.entities.documents.connection import parse_connection
from regista.entities.documents.data import parse_data
from regista.entities.documents.datastore import parse_datastore
from regista.entities.documents.endpoint import parse_online_deployment, parse_online_endpoint
from regista.entities.documents.environment import parse_environment
from regista.entities.documents.job import parse_job
from regista.entities.documents.local_paths import local_paths
from regista.entities.documents.model import parse_model
from regista.entities.documents.pipeline import PipelineSpec
from regista.entities.documents.reading import plain
from regista.entities.documents.scope import parse_registry, parse_workspace
from regista.entities.graph import build_graph
from regista.errors import InvalidError, RegistaError
from tests.unit.entities.documents import samples

PARSERS = [
    parse_job, parse_component, parse_environment, parse_model, parse_data, parse_workspace, parse_registry,
    parse_online_endpoint, parse_online_deployment, parse_compute, parse_datastore, parse_connection,
]  # fmt: skip
KINDS = ["job", "component", "environment", "model", "data", "online_deployment"]
KEYS = st.sampled_from(
    "type name version command code environment inputs outputs jobs component path value mode default min max enum optional image "
    "conda_file dependencies pip build settings resources limits timeout distribution traffic compute tags properties model "
    "code_configuration scoring_script replication_locations location x y a b $schema identity".split()
)  # fmt: skip
WORDS = st.sampled_from(
    ["command", "pipeline", "sweep", "uri_file", "number", "integer", "string", "${{parent.inputs.x}}", "${{parent.outputs.y}}",
     "${{parent.jobs.a.outputs.x}}", "${{parent.jobs.b.outputs.y}}", "azureml:x:1", "azureml://", "./x.yml", "file:x", "echo ${{inputs.x}}",
     "$[[${{inputs.y}}]] ${{outputs.x}}", "mlflow_model", "1", "true", "", "\0", "\ud800", "latest"]
)  # fmt: skip
SCALARS = (
    WORDS
    | st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.dates()
    | st.binary(max_size=3)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=3) | st.integers(), inner, max_size=5)
    ),
    max_leaves=25,
)
LEGAL = [yaml.safe_load(getattr(samples, name)) for name in vars(samples) if name.isupper()]


def answer(parse, value):
    try:
        document = parse(value)
    except RegistaError as refusal:
        refusal.message.encode(errors="strict")
        return
    assert msgspec.json.decode(msgspec.json.encode(document), type=type(document)) == document
    if isinstance(getattr(document, "spec", None), PipelineSpec):
        try:
            build_graph(document.spec)
        except RegistaError:
            return


@pytest.mark.parametrize("parse", PARSERS)
@settings(max_examples=80, deadline=1000)
@given(value=st.dictionaries(KEYS, VALUES, max_size=8) | VALUES)
def test_any_value_gives_a_document_or_an_error(parse, value):
    answer(parse, value)


def mutations(value):
    """The same document with one thing in it replaced by another."""
    if isinstance(value, dict) and value:
        keys = st.sampled_from(sorted(value))
        deeper = keys.flatmap(lambda key: mutations(value[key]).map(lambda new: {**value, key: new}))
        renamed = st.tuples(keys, KEYS).map(lambda pair: {pair[1] if k == pair[0] else k: v for k, v in value.items()})
        return deeper | deeper | renamed | VALUES
    return VALUES


@pytest.mark.parametrize("parse", PARSERS)
@settings(max_examples=80, deadline=1000)
@given(value=st.sampled_from(LEGAL).flatmap(mutations))
def test_a_good_document_with_one_bad_thing_gives_a_document_or_an_error(parse, value):
    answer(parse, value)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=1000)
@given(value=st.sampled_from(LEGAL).flatmap(mutations) | VALUES)
def test_local_paths_of_anything_are_a_list_or_an_error(kind, value):
    try:
        assert all(field.text is not None for field in local_paths(value, kind))
    except InvalidError:
        return


def nested(depth):
    value = {"command": "x"}
    for _ in range(depth):
        value = {"type": "pipeline", "jobs": {"n": value}}
    return value


def billion_laughs():
    bomb = ["ha"] * 10
    for _ in range(12):
        bomb = [bomb] * 10
    return {"command": "x", "tags": bomb}


def endless():
    value = {"command": "x"}
    value["inputs"] = {"x": value}
    return value


@pytest.mark.parametrize(
    "value",
    [
        billion_laughs(), endless(), nested(5000), {"command": "x" * 20_000_000}, {"k" * 1_000_000: {"k" * 1_000_000: {1.5: 1}}},
        {"command": "x", "tags": {str(number): "" for number in range(300_000)}}, {"command": "$[[" * 300_000},
        {"command": "${{inputs." * 100_000}, {"command": "x", "inputs": {"x": 10**5000}},
    ],
    ids=["aliases", "a cycle", "nesting", "a long text", "long keys", "many values", "groups", "placeholders", "a long integer"],
)  # fmt: skip
def test_what_is_too_much_is_refused_in_time(value):
    started = time.monotonic()
    with pytest.raises(InvalidError) as refusal:
        parse_job(value)
    assert time.monotonic() - started < 30
    assert len(refusal.value.message) < 2000


def test_a_legal_document_of_two_thousand_nodes_is_read_in_time():
    started = time.monotonic()
    jobs = {f"n{number}": {"command": "echo ${{inputs.x}}", "inputs": {"x": number}} for number in range(2000)}
    assert len(build_graph(parse_job({"type": "pipeline", "jobs": jobs}).spec).order) == 2000
    assert time.monotonic() - started < 30


def test_a_plain_copy_shares_nothing_with_the_original():
    original = {"a": [{"b": 1}], 2: "two"}
    copied = plain(original)
    assert copied == {"a": [{"b": 1}], "2": "two"}
    copied["a"][0]["b"] = 2
    assert original["a"][0]["b"] == 1
