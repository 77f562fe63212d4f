import json
import os
import re
import threading
from contextlib import suppress

import pytest
import yaml
from hypothesis import assume, given, settings, strategies as st

from regista.client.documents import MAX_BYTES, apply_overrides, load_document, parse_document
from regista.client.plain_yaml import MAX_DEPTH
from regista.errors import InvalidError


def read(text):
    return parse_document(text if isinstance(text, bytes) else text.encode(), "job.yml")


def refusal(text):
    with pytest.raises(InvalidError) as refused:
        read(text)
    return refused.value.message


class TestMeaning:
    @pytest.mark.parametrize("word", ["yes", "no", "on", "off", "y", "n", "Yes", "NO", "2026-01-31", "12:30:00",
                                      "012", "1_000", "0b1", "1.2.3", "=", "<", "-", "+", ".", "1e", "e5", "tRue"])  # fmt: skip
    def test_words_that_other_readers_turn_into_something_else_stay_text(self, word):
        assert read(f"a: {word if word != '-' else '-x'}") == {"a": word if word != "-" else "-x"}

    @pytest.mark.parametrize(
        ("word", "value"),
        [("true", True), ("False", False), ("null", None), ("~", None), ("", None), ("0", 0), ("-17", -17), ("+3", 3),
         ("0x1F", 31), ("0o17", 15), ("1e-3", 0.001), ("1.", 1.0), (".5", 0.5), ("-2.5E+2", -250.0)],
    )  # fmt: skip
    def test_plain_words_mean_what_yaml_1_2_says(self, word, value):
        found = read(f"a: {word}")["a"]
        assert found == value
        assert type(found) is type(value)

    @pytest.mark.parametrize("text", ["version: 1.10", 'version: "1.10"', '{"version": 1.10}', "version: !!str 1.10"])
    def test_a_version_is_text_as_written(self, text):
        assert read(text) == {"version": "1.10"}

    def test_no_version_is_no_version(self):
        assert read("version:") == {"version": None}

    def test_keys_are_text_as_written(self):
        assert read("on: 1\n1: 2\nnull: 3\n1.10: 4") == {"on": 1, "1": 2, "null": 3, "1.10": 4}

    def test_quotes_and_blocks_are_text(self):
        assert read("a: '5'\nb: \"true\"\nc: |\n  5\nd: >-\n  null") == {"a": "5", "b": "true", "c": "5\n", "d": "null"}

    def test_aliases_and_merge_keys_work_and_share_nothing(self):
        found = read("base: &b {x: 1, y: [2]}\none: {<<: *b, x: 9}\ntwo: *b\nthree: {<<: [{y: 0}, *b]}")
        assert found["one"] == {"x": 9, "y": [2]}
        assert found["three"] == {"y": 0, "x": 1}
        assert found["two"]["y"] is not found["base"]["y"]

    def test_the_plain_tags_work(self):
        assert read("a: !!str 5\nb: !!int 5\nc: !!float 5\nd: !!seq [1]\ne: !!map {}\nf: ! 7") == {
            "a": "5", "b": 5, "c": 5.0, "d": [1], "e": {}, "f": "7",
        }  # fmt: skip

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    def test_the_usual_encodings_are_read(self, encoding):
        assert read("a: é\n".encode(encoding)) == {"a": "é"}


class TestRefusals:
    @pytest.mark.parametrize(
        ("text", "where", "words"),
        [
            ("a: 1\nb: 2\na: 3", "3:1", "'a' is there twice"),
            ("a:\n  b: 1\n  b: 2", "3:3", "'b' is there twice"),
            ('{"a": 1, "a": 2}', "1:10", "'a' is there twice"),
            ("a: !!python/object/apply:os.system [id]", "1:4", "not allowed"),
            ("a: !custom x", "1:4", "not allowed"),
            ("a: !!timestamp 2026-01-01", "1:4", "not allowed"),
            ("a: !!int x", "1:4", "not of the type"),
            ("a: &x [*x]", "1:8", "inside its own anchor"),
            ("a: *x", "1:4", "names no anchor"),
            ("a: 1\n---\nb: 2", "2:1", "second document"),
            ("a: .inf", "1:4", "not a finite number"),
            ("a: -.INF", "1:4", "not a finite number"),
            ("a: .nan", "1:4", "not a finite number"),
            ("a: 1e999", "1:4", "not a finite number"),
            ("a: 18446744073709551616", "1:4", "64 bits"),
            ("a: " + "9" * 10_000, "1:4", "64 bits"),
            ("? [a]\n: b", "1:3", "a key is text"),
            ("{a: b}: c", "1:1", "a key is text"),
            ("<<: 5", "1:5", "merge key"),
            ("a: [", "2:1", ""),
            ("\ta: 1", "1:1", ""),
            ("a: b: c", "1:5", ""),
            ("é: \x01", "1:4", "control characters"),
            ("", "1:1", "empty"),
            ("# nothing", "1:1", "empty"),
            ("- a", "1:1", "not a mapping"),
            ("text", "1:1", "not a mapping"),
        ],
    )
    def test_what_is_wrong_is_named_with_its_place(self, text, where, words):
        message = refusal(text)
        assert message.startswith(f"job.yml:{where}: ")
        assert words in message

    def test_bytes_that_are_no_text_are_named_with_their_place(self):
        assert refusal(b"a: 1\nb: \xff").startswith("job.yml:2:4: the file is not UTF-8")

    @pytest.mark.parametrize("opening", ["[", "{a: "])
    def test_depth_is_bounded(self, opening):
        closing = "]" if opening == "[" else "}"
        read("a: " + opening * (MAX_DEPTH - 2) + closing * (MAX_DEPTH - 2))
        for depth in (MAX_DEPTH + 1, 100_000):
            assert "nested" in refusal("a: " + opening * depth)

    def test_aliases_do_not_get_around_the_depth(self):
        lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 60)]
        assert "nested" in refusal("\n".join(lines))

    def test_a_billion_laughs_are_not_heard(self):
        lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
        lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
        assert "too large" in refusal("\n".join(lines))

    def test_a_few_long_texts_repeated_are_not_either(self):
        assert "too large" in refusal(f"a: &a {'x' * 1_000_000}\nb: [{', '.join(['*a'] * 1_000)}]")

    def test_a_large_file_is_refused(self):
        assert "4 MiB" in refusal("a: " + "x" * MAX_BYTES)


class TestFiles:
    def test_yaml_and_json_are_read(self, tmp_path):
        (tmp_path / "a.yml").write_text("a: [1]\n")
        (tmp_path / "a.json").write_text('{"a": [1]}')
        assert load_document(tmp_path / "a.yml") == load_document(tmp_path / "a.json") == {"a": [1]}

    def test_a_file_that_is_not_there_a_folder_and_a_wrong_name_are_named(self, tmp_path):
        for path, words in [("absent", "no file"), (".", "is a folder"), ("a\0b", "cannot be read")]:
            with pytest.raises(InvalidError, match=words):
                load_document(tmp_path / path)

    def test_an_endless_file_is_not_read_to_its_end(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")

        def feed():
            try:
                with (tmp_path / "pipe").open("wb") as pipe:
                    while True:
                        pipe.write(b"#" * 65_536)
            except BrokenPipeError:
                pass

        thread = threading.Thread(target=feed)
        thread.start()
        with pytest.raises(InvalidError, match="4 MiB"):
            load_document(tmp_path / "pipe")
        thread.join()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff\ufffe\uffff\u2028\u2029\x85")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcXYZ09_. é", min_size=1), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


class TestFuzz:
    @given(st.dictionaries(st.text("abcdef<", min_size=1), json_values, max_size=5), st.booleans())
    def test_json_means_what_json_says(self, value, ascii_only):
        text = json.dumps(value, ensure_ascii=ascii_only)
        if "<<" not in text:
            assert read(text) == value

    @given(st.dictionaries(st.text("abcdef", min_size=1), json_values, max_size=5), st.sampled_from([None, '"']))
    def test_yaml_of_another_writer_means_the_same(self, value, quotes):
        text = yaml.safe_dump(value, allow_unicode=True, default_style=quotes)
        # To this writer, who speaks YAML 1.1, 1e3 and 0o7 are texts that need no quotes.
        assume(quotes or not re.search(r"[\d.][eE]\d|(?<![.\d])\d+[eE][-+]\d|0o\d", text))
        assert read(text) == value

    @settings(max_examples=300)
    @given(st.text() | st.text("&*!<>|{}[]:,-?#'\"%@` \n\tab1", max_size=60))
    def test_any_text_is_a_mapping_or_refused(self, text):
        self.check(text.encode(errors="surrogatepass"))

    @settings(max_examples=300)
    @given(st.binary(max_size=200))
    def test_any_bytes_are_a_mapping_or_refused(self, content):
        self.check(content)

    def check(self, content):
        message = "f:"
        try:
            found = parse_document(content, "f")
        except InvalidError as refused:
            found, message = {}, refused.message
        assert isinstance(found, dict)
        assert message.startswith("f:")

    @given(st.text("ab.=[]0\\'\"{}", max_size=30))
    def test_any_override_is_applied_or_refused(self, override):
        document = {"a": {"b": [1, {"a": 2}]}}
        with suppress(InvalidError):
            apply_overrides(document, [override])
        assert document == {"a": {"b": [1, {"a": 2}]}}


class TestOverrides:
    @pytest.mark.parametrize(
        ("override", "result"),
        [
            ("x=5", {"x": 5}),
            ("inputs.x=0.5", {"inputs": {"x": 0.5}}),
            ("a.b.c=yes", {"a": {"b": {"c": "yes"}}}),
            ("tags.a\\.b=c", {"tags": {"a.b": "c"}}),
            ("x=a=b", {"x": "a=b"}),
            ("x=", {"x": ""}),
            ("x=null", {"x": None}),
            ("x='5'", {"x": "5"}),
            ("x=[1, a]", {"x": [1, "a"]}),
            ("x={a: {b: 1}}", {"x": {"a": {"b": 1}}}),
            ("x=*.csv", {"x": "*.csv"}),
            ("x=a: b # c", {"x": "a: b # c"}),
            ("x= padded ", {"x": " padded "}),
            ("version=1.10", {"version": "1.10"}),
            ("command=echo ${{inputs.x}}", {"command": "echo ${{inputs.x}}"}),
        ],
    )
    def test_values_read_like_plain_yaml(self, override, result):
        assert apply_overrides({}, [override]) == result

    def test_items_of_lists_are_reached_by_number(self):
        document = {"jobs": [{"a": 1}, {"a": 2}]}
        assert apply_overrides(document, ["jobs[1].a=5", "jobs.0.b=6"]) == {"jobs": [{"a": 1, "b": 6}, {"a": 5}]}
        assert document == {"jobs": [{"a": 1}, {"a": 2}]}

    def test_the_later_wins_and_what_was_null_becomes_a_mapping(self):
        assert apply_overrides({"a": None}, ["a.b=1", "a.b=2"]) == {"a": {"b": 2}}

    @pytest.mark.parametrize(
        "override",
        ["x", "=5", ".x=1", "a..b=1", "text.y=1", "list.x=1", "list[9]=1", "x=[1", "x=1e999", "x=.nan", "x='a' b"],
    )
    def test_what_cannot_be_set_is_refused_with_the_override_named(self, override):
        with pytest.raises(InvalidError) as refused:
            apply_overrides({"text": "t", "list": [1]}, [override])
        assert override[:5] in refused.value.message
