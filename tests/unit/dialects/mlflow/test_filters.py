"""The filter language: what it reads, what it refuses, and that nothing else can happen."""

from contextlib import suppress

import pytest
from hypothesis import given, strategies as st

from regista.dialects.mlflow.filters import Comparison, parse_filter, parse_order
from regista.dialects.mlflow.searches import EXPERIMENTS, LOGGED_MODELS, MODELS, RUNS, VERSIONS, run_clauses
from regista.entities.search import Clause, Field
from regista.errors import InvalidError, RegistaError

READ = {
    "metrics.acc > 0.5": Comparison("metrics", "acc", ">", 0.5),
    "metrics.`a b` <= -1e-3": Comparison("metrics", "a b", "<=", -0.001),
    "params.\"a.b\" = 'x'": Comparison("params", "a.b", "=", "x"),
    'tags.mlflow.parentRunId != "y"': Comparison("tags", "mlflow.parentRunId", "!=", "y"),
    "`tags`.x LIKE '%a_'": Comparison("tags", "x", "LIKE", "%a_"),
    "name ilike 'A%'": Comparison("", "name", "ILIKE", "A%"),
    "start_time >= 1700000000001": Comparison("", "start_time", ">=", 1700000000001),
    "run_id IN ('a', \"b\")": Comparison("", "run_id", "IN", ("a", "b")),
    "run_id not in ('a',)": Comparison("", "run_id", "NOT IN", ("a",)),
    "tags.x is null": Comparison("tags", "x", "IS NULL", None),
    "params.x IS NOT NULL": Comparison("params", "x", "IS NOT NULL", None),
    "tags.x = 'it''s'": Comparison("tags", "x", "=", "it's"),
    "tags.x=''": Comparison("tags", "x", "=", ""),
    "metrics.val-loss<3": Comparison("metrics", "val-loss", "<", 3),
}
NOT_READ = [
    "metrics.a > 1 OR metrics.b > 2",
    "(metrics.a > 1)",
    "metrics.a > 1 metrics.b > 2",
    "metrics.a > 1 AND",
    "AND metrics.a > 1",
    "metrics.a",
    "metrics.a >",
    "metrics. > 1",
    "> 1",
    "metrics.a == 1",
    "params.a = 'x",
    "params.a = 'x'; DROP TABLE runs",
    "tags.x IS",
    "tags.x NOT LIKE 'a'",
    "run_id IN ()",
    "run_id IN ('a'",
    "run_id IN 'a'",
    "run_id IN ('a' 'b')",
    "run_id IN (1)",
]


@pytest.mark.parametrize("text", READ)
def test_a_comparison_is_read(text):
    assert parse_filter(text) == [READ[text]]


def test_comparisons_are_joined_by_and():
    assert parse_filter("metrics.a > 1 and params.b = 'and' AND tags.c = 'x'") == [
        Comparison("metrics", "a", ">", 1),
        Comparison("params", "b", "=", "and"),
        Comparison("tags", "c", "=", "x"),
    ]


@pytest.mark.parametrize("text", ["", "  \n "])
def test_no_filter_has_no_comparisons(text):
    assert parse_filter(text) == []


@pytest.mark.parametrize("text", NOT_READ)
def test_what_is_no_filter_is_refused(text):
    with pytest.raises(InvalidError):
        parse_filter(text)


def test_a_bad_clause_is_named_in_the_words_of_the_protocol():
    with pytest.raises(InvalidError, match=r"Invalid clause\(s\) in filter string: 'OR'"):
        parse_filter("metrics.a > 1 OR metrics.b > 2")
    with pytest.raises(InvalidError, match="Use either single or double quotes"):
        parse_filter("params.a = b")


@pytest.mark.parametrize(
    ("space", "text"),
    [
        (RUNS, "tags.a RLIKE '(a+)+$'"),
        (RUNS, "params.a rlike 'b'"),
        (RUNS, "attributes.run_name RLIKE 'b'"),
        (RUNS, "dataset.name RLIKE 'b'"),
        (EXPERIMENTS, "name RLIKE 'b'"),
        (MODELS, "name RLIKE 'b'"),
        (VERSIONS, "tags.a RLIKE 'b'"),
        (LOGGED_MODELS, "params.a RLIKE 'b'"),
    ],
)
def test_a_regular_expression_is_refused_as_mlflows_own_server_does(space, text):
    with pytest.raises(InvalidError, match=r"Invalid comparator 'RLIKE' not one of '\[.*'LIKE'") as refused:
        space.clauses(text)
    assert refused.value.hint == "Consider using LIKE or ILIKE instead."
    with pytest.raises(InvalidError, match="Invalid comparator 'RLIKE'") as refused:
        RUNS.clauses("metrics.a RLIKE 1")
    assert not refused.value.hint


def test_what_was_read_is_read_the_same_again():
    for text in ("tags.a = 'b' AND name = 'c'", "tags.a = 'b' AND name = '" + "c" * 2000 + "'"):
        first = VERSIONS.clauses(text)
        first.append(first[0])
        assert VERSIONS.clauses(text) == first[:2] == list(VERSIONS.read(text))
    assert [clause.key for clause in RUNS.clauses("start_time > 5")] == ["start_time"]
    with pytest.raises(InvalidError):
        VERSIONS.clauses("start_time > 5")


NAMES = st.text(st.characters(exclude_characters='`"', exclude_categories=("Cs",)), min_size=1, max_size=20)
VALUES = st.one_of(
    st.text(st.characters(exclude_categories=("Cs",)), max_size=20),
    st.integers(-(2**63), 2**63),
    st.floats(allow_nan=False, allow_infinity=False),
)


@given(
    st.lists(
        st.tuples(st.sampled_from(["metrics", "params", "tags", ""]), NAMES, st.sampled_from(["=", "!=", "<"]), VALUES),
        max_size=5,
    )
)
def test_what_is_written_is_read_back(comparisons):
    def literal(value):
        return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)

    text = " AND ".join(
        f"{entity + '.' if entity else ''}`{key}` {operator} {literal(value)}"
        for entity, key, operator, value in comparisons
    )
    assert parse_filter(text) == [Comparison(*comparison) for comparison in comparisons]


WORDS = st.sampled_from(
    "metrics.a params.`b` tags. AND OR IN NOT IS NULL LIKE ( ) , = != < 'x' \"y\" 1 -2.5 ` ' name status run_id \x00 é".split(
        " "
    )
)


@given(st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=12).map(" ".join)))
def test_any_text_is_read_or_refused_and_nothing_else(text):
    for parse in (run_clauses, EXPERIMENTS.clauses, MODELS.clauses, VERSIONS.clauses, LOGGED_MODELS.clauses):
        with suppress(RegistaError):
            assert all(isinstance(clause, Clause) for clause in parse(text))
    with suppress(InvalidError):
        _, key, ascending = parse_order(text)
        assert key
        assert isinstance(ascending, bool)


def test_a_long_filter_does_not_take_long():
    assert len(run_clauses(" AND ".join(f"metrics.a{i} > {i}" for i in range(2000)))) == 2000
    with pytest.raises(InvalidError):
        parse_filter("'" * 50_001)
    with pytest.raises(InvalidError):
        parse_filter("a" * 200_000)


class TestOrder:
    @pytest.mark.parametrize(
        ("text", "read"),
        [
            ("metrics.acc DESC", ("metrics", "acc", False)),
            ("metrics.`a b` asc", ("metrics", "a b", True)),
            ("start_time", ("", "start_time", True)),
            ("attributes.start_time desc", ("attributes", "start_time", False)),
        ],
    )
    def test_a_key_is_read(self, text, read):
        assert parse_order(text) == read

    @pytest.mark.parametrize("text", ["", "metrics.a up", "metrics.a DESC DESC", "1 DESC", "metrics.a, metrics.b"])
    def test_what_is_no_key_is_refused(self, text):
        with pytest.raises(InvalidError, match="order_by clause"):
            parse_order(text)


class TestSpaces:
    def test_entities_have_several_spellings(self):
        found = RUNS.clauses(
            "param.a = '1' AND parameters.a = '1' AND tag.b = '1' AND metric.c > 1 AND attr.run_id = 'x'"
        )
        assert [clause.field for clause in found] == [
            Field.PARAM,
            Field.PARAM,
            Field.TAG,
            Field.METRIC,
            Field.ATTRIBUTE,
        ]

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("nothing.a = 'x'", "Invalid entity type 'nothing'"),
            ("colour = 'red'", "Invalid attribute key 'colour' specified"),
            ("metrics.a = 'x'", "Expected numeric value type for metric"),
            ("params.a = 5", "Expected a quoted string value for parameter"),
            ("metrics.a LIKE 'x'", "Invalid comparator 'LIKE'"),
            ("metrics.a IS NULL", "Invalid comparator 'IS NULL'"),
            ("status IS NULL", "IS NULL / IS NOT NULL is only supported for tags and params"),
            ("start_time = 'x'", "Expected numeric value type for numeric attribute: start_time"),
            ("status > 'x'", "Invalid comparator '>'"),
            ("status IN ('a')", r"Only \['run_id'\] attributes support comparison with a list"),
            ("run_name = 5", "Expected a quoted string value for attributes"),
            ("datasets.colour = 'x'", "Invalid dataset key 'colour'"),
        ],
    )
    def test_a_wrong_comparison_of_runs_is_told(self, text, told):
        with pytest.raises(InvalidError, match=told):
            RUNS.clauses(text)

    @pytest.mark.parametrize("text", ["metrics.a > 1", "params.a = 'x'", "start_time > 1"])
    def test_experiments_have_no_measurements(self, text):
        with pytest.raises(InvalidError):
            EXPERIMENTS.clauses(text)

    def test_a_status_is_every_state_of_ours_that_it_covers(self):
        assert run_clauses("status = 'RUNNING'") == [Clause(Field.ATTRIBUTE, "status", "IN", ("Running", "Finalizing"))]
        assert run_clauses("status LIKE 'F%'")[0].value == ("Completed", "Failed")
        assert run_clauses("status != 'RUNNING'")[0].value == (
            "NotStarted",
            "Queued",
            "Preparing",
            "Completed",
            "Failed",
            "Canceled",
        )
        assert run_clauses("status = 'NONSENSE'")[0].value == ()
