"""Traces through the dialect."""

import json

import pytest

START = "2026-01-02T03:04:05.678Z"
START_MS = 1767323045678


def info(experiment, name, **fields):
    """A trace as a client of MLflow 3 tells it."""
    place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}
    return {
        "trace": {
            "trace_info": {"trace_id": name, "trace_location": place, "request_time": START, "state": "OK"} | fields
        }
    }


def started(door, experiment, name, **fields):
    return door.post("traces", **info(experiment, name, **fields))["trace"]["trace_info"]


def found(door, experiment, text="", **fields):
    place = {"mlflow_experiment": {"experiment_id": experiment}}
    answer = door.post("traces/search", locations=[place], filter=text, **fields)
    return [one["trace_id"] for one in answer["traces"]]


class TestRecording:
    def test_a_trace_comes_back_as_it_was_told(self, door, experiment):
        said = started(
            door,
            experiment,
            "tr-told",
            client_request_id="req",
            request_preview="who?",
            execution_duration="1.25s",
            trace_metadata={"a": "b"},
            tags={"mlflow.traceName": "x", "mlflow.artifactLocation": "s3://elsewhere"},
        )
        assert door.get("traces/tr-told")["trace"]["trace_info"] == said
        assert (said["request_time"], said["execution_duration"], said["state"]) == (START, "1.250s", "OK")
        assert (said["client_request_id"], said["request_preview"]) == ("req", "who?")
        assert said["trace_metadata"] == {"a": "b"}
        assert said["tags"] == {
            "mlflow.traceName": "x",
            "mlflow.artifactLocation": f"{door.url}/api/2.0/mlflow-artifacts/artifacts/traces/tr-told",
        }

    def test_telling_it_again_keeps_what_was_remarked(self, door, experiment):
        started(door, experiment, "tr-again", state="IN_PROGRESS", tags={"a": "1"})
        door.send("PATCH", "traces/tr-again/tags", key="b", value="2")
        said = started(door, experiment, "tr-again", tags={"a": "3"})
        assert said["state"] == "OK"
        assert {key: said["tags"][key] for key in "ab"} == {"a": "3", "b": "2"}
        assert "experiment" in door.refused("POST", "traces", **info("0", "tr-again"))

    def test_mlflow_2_tells_begin_and_end(self, door, experiment):
        begun = door.post(
            "traces", experiment_id=experiment, timestamp_ms=1000, tags=[{"key": "mlflow.traceName", "value": "old"}]
        )["trace_info"]
        assert begun["status"] == "IN_PROGRESS"
        name = begun["request_id"]
        assert door.put(f"traces/{name}/traces.json", b'{"spans": []}').status == 200
        ended = door.send(
            "PATCH", f"traces/{name}", timestamp_ms=1500, status="OK", request_metadata=[{"key": "k", "value": "v"}]
        ).json["trace_info"]
        assert (ended["status"], ended["execution_time_ms"]) == ("OK", 500)
        assert door.get(f"traces/{name}/info")["trace_info"] == ended
        listed = door.get("traces", experiment_ids=[experiment], max_results=10)["traces"]
        assert listed == [ended]
        place = {tag["key"]: tag["value"] for tag in ended["tags"]}["mlflow.artifactLocation"]
        spans = door.request("GET", place.removeprefix(door.url) + "/traces.json")
        assert (spans.status, spans.content) == (200, b'{"spans": []}')

    def test_a_trace_of_a_run_is_linked_to_it_and_one_of_an_unknown_run_to_none(self, door, experiment):
        run, other = door.run(experiment), door.run(experiment)
        started(door, experiment, "tr-run", trace_metadata={"mlflow.sourceRun": run})
        started(door, experiment, "tr-lost", trace_metadata={"mlflow.sourceRun": "nowhere"})
        assert found(door, experiment, f"run_id = '{run}'") == ["tr-run"]
        for _ in range(2):
            door.post("traces/link-to-run", run_id=other, trace_ids=["tr-lost"])
        assert found(door, experiment, f"attribute.run_id = '{other}'") == ["tr-lost"]
        assert found(door, experiment, "run_id = 'nowhere'") == []

    def test_a_link_waits_for_a_trace_that_has_not_come(self, door, experiment):
        run, other = door.run(experiment), door.run(experiment)
        for one in (run, other, run):
            door.post("traces/link-to-run", run_id=one, trace_ids=["tr-late"])
        assert found(door, experiment) == []
        assert door.refused("GET", "traces/tr-late").startswith("RESOURCE_DOES_NOT_EXIST")
        started(door, experiment, "tr-late", trace_metadata={"mlflow.sourceRun": run})
        for one in (run, other):
            assert found(door, experiment, f"run_id = '{one}'") == ["tr-late"]
        assert door.refused("POST", "traces/link-to-run", run_id=run, trace_ids=["../x"]).startswith("INVALID")
        assert door.refused("POST", "traces/link-to-run", run_id="nowhere", trace_ids=["tr-x"]).startswith("RESOURCE")

    def test_a_deleted_experiment_takes_and_shows_none(self, door, experiment):
        started(door, experiment, "tr-hidden")
        door.post("experiments/delete", experiment_id=experiment)
        assert found(door, experiment) == []
        assert "deleted" in door.refused("POST", "traces", **info(experiment, "tr-late"))

    def test_spans_by_otlp_are_refused_in_the_words_that_clients_know(self, door):
        answer = door.request("POST", "/v1/traces", b"\x0a", {"content-type": "application/x-protobuf"})
        assert answer.status == 501
        assert "REST OTLP span logging is not supported" in answer.json["message"]


class TestFinding:
    def test_filters_orders_and_pages(self, door, experiment):
        for number in range(5):
            started(
                door,
                experiment,
                f"tr-find-{number}",
                request_time=f"2026-01-02T03:04:0{number}Z",
                execution_duration=None if number == 4 else f"0.{9 - number}00s",
                state="ERROR" if number % 2 else "OK",
                tags={"mlflow.traceName": f"n{number // 2}", "team": "a"},
                trace_metadata={"mlflow.trace.session": f"s{number}"},
            )

        def numbers(text="", **fields):
            return "".join(name[-1] for name in found(door, experiment, text, **fields))

        assert numbers() == "43210"
        assert numbers("status = 'ERROR'") == numbers("trace.status IN ('ERROR')") == "31"
        assert numbers("name = 'n1'") == numbers("name LIKE 'n1%'") == "32"
        assert numbers("tag.team = 'a' AND metadata.`mlflow.trace.session` = 's3'") == "3"
        assert numbers("tag.team IS NULL") == ""
        assert numbers(f"timestamp_ms > {START_MS - 3678}") == "43"
        assert numbers("execution_time_ms >= 800") == "10"
        assert numbers(order_by=["execution_time_ms ASC"]) == "32104"
        assert numbers(order_by=["name DESC", "timestamp_ms ASC"]) == "42301"
        assert numbers(order_by=["timestamp_ms DESC"]) == "43210"
        for order in ([], ["timestamp_ms ASC"]):
            seen, token = [], ""
            while token is not None:
                place = {"mlflow_experiment": {"experiment_id": experiment}}
                page = door.post("traces/search", locations=[place], max_results=2, order_by=order, page_token=token)
                seen += [one["trace_id"][-1] for one in page["traces"]]
                token = page.get("next_page_token")
            assert "".join(seen) == ("01234" if order else "43210")

    def test_many_are_got_by_id(self, door, experiment):
        started(door, experiment, "tr-many")
        answer = door.post("traces/batchGetInfos", trace_ids=["tr-many", "tr-nowhere", "tr-many", "../x"])
        assert [one["trace_id"] for one in answer["trace_infos"]] == ["tr-many"]

    def test_prompts_are_found_by_name_and_version(self, door, experiment):
        started(door, experiment, "tr-prompt")
        for _ in range(2):
            door.post("traces/link-prompts", trace_id="tr-prompt", prompt_versions=[{"name": "p", "version": "1"}])
        assert found(door, experiment, "prompt = 'p/1'") == ["tr-prompt"]
        assert found(door, experiment, "prompt = 'p/2'") == []

    @pytest.mark.parametrize(
        "text",
        ["span.x = 'y'", "span.content = 'x'", "text = 'x'", "span.name > 'a'", "span.attributes. = 'x'", "nothing = 1", "status = 3", "timestamp_ms = 'x'", "run.x = 'y'", "issue.id = '1'", "name",
         "tag.a > 'b'", "prompt = 'x'", "prompt = '%/1'", "name RLIKE '(a+)+$'", "feedback.a LIKE 5", "status IS NULL"],
    )  # fmt: skip
    def test_what_cannot_be_asked_is_refused(self, door, experiment, text):
        place = {"mlflow_experiment": {"experiment_id": experiment}}
        started(door, experiment, f"tr-any-{experiment}")
        answer = door.send("POST", "traces/search", locations=[place], filter=text)
        assert answer.status in {200, 400} if text.startswith("feedback") else answer.status == 400, answer.content


SPANS = (
    {"trace_id": "ymwwvLA2SWzHtijA4YQHKw==", "span_id": "HL144fUlWBA=", "parent_span_id": None, "name": "ask",
     "start_time_unix_nano": 1795952844025334524, "end_time_unix_nano": 1795952844203790579,
     "events": [{"name": "ev", "time_unix_nano": 99999, "attributes": {"foo": "bar", "l": ["a"]}}],
     "status": {"code": "STATUS_CODE_OK", "message": ""},
     "attributes": {"mlflow.spanType": '"LLM"', "fruit": '"apple"', "n": "3", "f": "1.5", "b": "true", "raw": "no json",
                    "l": '[1, "a"]', "d": '{"a": {"b": null}}', "none": "null", "big": str(2**70)}},
    {"trace_id": "tr-ca6c30bcb036496cc7b628c0e184072b", "span_id": "edb2a5b3dd597058", "name": "fetch",
     "parent_span_id": "1cbd78e1f5255810", "start_time_unix_nano": 5, "end_time_unix_nano": None, "events": [],
     "status": {"code": "ERROR", "message": "bad"}, "attributes": {"mlflow.spanInputs": '{"q": "hé_%?"}'}},
    {"name": "old", "context": {"trace_id": "0xca6c30bcb036496cc7b628c0e184072b", "span_id": "0xedb2a5b3dd597058"},
     "parent_id": None, "start_time": 5, "end_time": 6, "status_code": "UNSET", "status_message": "", "attributes": {},
     "events": [{"name": "ev", "timestamp": 7, "attributes": {}}]},
)  # fmt: skip
"""As MLflow 3, 3.5 and 2 write them."""

IN_PROTOBUF = (
    {"trace_id": "ymwwvLA2SWzHtijA4YQHKw==", "span_id": "HL144fUlWBA=", "name": "ask",
     "start_time_unix_nano": 1795952844025334524, "end_time_unix_nano": 1795952844203790579,
     "attributes": [
         {"key": "mlflow.spanType", "value": {"string_value": "LLM"}}, {"key": "fruit", "value": {"string_value": "apple"}},
         {"key": "n", "value": {"int_value": 3}}, {"key": "f", "value": {"double_value": 1.5}},
         {"key": "b", "value": {"bool_value": True}}, {"key": "raw", "value": {"string_value": "no json"}},
         {"key": "l", "value": {"array_value": {"values": [{"int_value": 1}, {"string_value": "a"}]}}},
         {"key": "d", "value": {"kvlist_value": {"values": [
             {"key": "a", "value": {"kvlist_value": {"values": [{"key": "b"}]}}}]}}},
         {"key": "none"}, {"key": "big", "value": {"string_value": str(2**70)}}],
     "events": [{"time_unix_nano": 99999, "name": "ev", "attributes": [
         {"key": "foo", "value": {"string_value": "bar"}},
         {"key": "l", "value": {"array_value": {"values": [{"string_value": "a"}]}}}]}],
     "status": {"code": "STATUS_CODE_OK"}},
    {"trace_id": "ymwwvLA2SWzHtijA4YQHKw==", "span_id": "7bKls91ZcFg=", "parent_span_id": "HL144fUlWBA=", "name": "fetch",
     "start_time_unix_nano": 5, "status": {"code": "STATUS_CODE_ERROR", "message": "bad"},
     "attributes": [{"key": "mlflow.spanInputs", "value": {"kvlist_value": {"values": [
         {"key": "q", "value": {"string_value": "hé_%?"}}]}}}]},
    {"trace_id": "ymwwvLA2SWzHtijA4YQHKw==", "span_id": "7bKls91ZcFg=", "name": "old", "start_time_unix_nano": 5,
     "end_time_unix_nano": 6, "status": {"code": "STATUS_CODE_UNSET"},
     "events": [{"time_unix_nano": 7, "name": "ev", "attributes": []}]},
)  # fmt: skip


class TestSpans:
    def fill(self, door, experiment, name, *spans):
        started(door, experiment, name)
        assert door.put(f"traces/{name}/traces.json", json.dumps({"spans": spans}).encode()).status == 200

    def test_they_come_with_their_trace_as_protobuf_says_them(self, door, experiment):
        self.fill(door, experiment, "tr-spans", *SPANS)
        for partial in (True, False):
            got = door.get("traces/get", trace_id="tr-spans", allow_partial=partial)["trace"]
            assert got["trace_info"] == door.get("traces/tr-spans")["trace"]["trace_info"]
            assert got["spans"] == [*IN_PROTOBUF]
        assert door.get("traces/batchGet", trace_ids=["tr-nowhere", "tr-spans", "tr-spans"])["traces"] == [got]

    def test_a_trace_without_them_is_not_whole(self, door, experiment):
        started(door, experiment, "tr-bare")
        assert "not fully exported" in door.refused("GET", "traces/get", trace_id="tr-bare")
        assert door.get("traces/get", trace_id="tr-bare", allow_partial=True)["trace"]["spans"] == []
        assert door.get("traces/batchGet", trace_ids=["tr-bare"])["traces"] == []

    @pytest.mark.parametrize(
        "content",
        [b"{", b"[]", b'{"spans": 1}', b'{"spans": [1]}', b'{"spans": [{}]}', b"\xff", b'{"spans": [{"name": "x"}]}',
         json.dumps({"spans": [{**SPANS[0], "span_id": "!"}]}).encode(),
         json.dumps({"spans": [{**SPANS[0], "attributes": [1]}, {**SPANS[0], "status": 5}]}).encode(),
         json.dumps({"spans": [{**SPANS[0], "attributes": {"a": "[" * 5000 + "]" * 5000}, "events": [4]}]}).encode()],
    )  # fmt: skip
    def test_a_file_that_holds_none_is_told_and_found_by_nothing(self, door, experiment, content):
        started(door, experiment, f"tr-broken-{experiment}")
        assert door.put(f"traces/tr-broken-{experiment}/traces.json", content).status == 200
        assert door.refused("GET", "traces/get", trace_id=f"tr-broken-{experiment}").startswith("INVALID")
        assert found(door, experiment, "span.attributes.fruit = 'pear' AND span.name = 'ask'") == []

    def test_traces_are_found_by_what_is_in_them(self, door, experiment):
        self.fill(door, experiment, "tr-one", *SPANS[:2])
        self.fill(door, experiment, "tr-old", SPANS[2])
        started(door, experiment, "tr-none")

        def names(text, **fields):
            return [name.removeprefix("tr-") for name in found(door, experiment, text, **fields)]

        assert names("trace.text LIKE '%apple%'") == names("text ILIKE '%APPLE%'") == ["one"]
        assert names("span.content LIKE '%hé%'") == names("span.name = 'ask'") == names("span.type = 'LLM'") == ["one"]
        assert names("span.name IN ('old', 'fetch')") == ["old", "one"]
        assert names("span.name IN ('old', 'fetch')", order_by=["request_id DESC"]) == ["one", "old"]
        assert names("span.status = 'ERROR' AND span.name = 'fetch'") == ["one"]
        assert names("span.status = 'ERROR' AND span.name = 'ask'") == []
        assert names("span.attributes.fruit = 'apple' AND request_id = 'tr-one'") == ["one"]
        assert names("span.attributes.`mlflow.spanInputs` LIKE '%hé%'") == ["one"]
        assert names("span.attributes.n = '3'") == ["one"]
        assert names("span.attributes.fruit != 'pear'") == ["one"]

    def test_a_page_goes_on_behind_the_last_that_was_looked_into(self, door, experiment, monkeypatch):
        monkeypatch.setattr("regista.dialects.mlflow.routes.traces._MOST_LOOKED_INTO", 2)
        for number in range(7):
            self.fill(door, experiment, f"tr-{experiment}-{number}", {**SPANS[0], "name": f"n{number % 3}"})
        seen, token, pages = [], "", 0
        while token is not None:
            place = {"mlflow_experiment": {"experiment_id": experiment}}
            page = door.post(
                "traces/search", locations=[place], filter="span.name = 'n0'", max_results=2, page_token=token
            )
            seen += [one["trace_id"][-1] for one in page["traces"]]
            token, pages = page.get("next_page_token"), pages + 1
        assert seen == ["6", "3", "0"]
        assert pages > 2

    def test_who_may_not_download_sees_none(self, door, experiment):
        from regista.services.access.access import SYSTEM

        self.fill(door, experiment, "tr-closed", *SPANS)
        narrow = door.house.principals.create_key(
            SYSTEM, "ada", "no-spans", permissions=("scopes/read", "jobs/read", "assets/read")
        ).secret
        reader = door.at(door.base, narrow)
        assert found(reader, experiment) == ["tr-closed"]
        place = {"mlflow_experiment": {"experiment_id": experiment}}
        for asked in (
            ("GET", "traces/get", {"trace_id": "tr-closed"}),
            ("GET", "traces/batchGet", {"trace_ids": ["tr-closed"]}),
            ("POST", "traces/search", {"locations": [place], "filter": "text LIKE '%apple%'"}),
        ):
            method, name, fields = asked
            assert reader.refused(method, name, **fields).startswith("PERMISSION_DENIED")


class TestJudging:
    def test_feedback_is_given_overridden_changed_and_taken_back(self, door, experiment):
        started(door, experiment, "tr-judged")

        def give(**fields):
            said = {"assessment_name": "good", "source": {"source_type": "HUMAN", "source_id": "ada"}} | fields
            return door.post("traces/tr-judged/assessments", assessment=said)["assessment"]

        first = give(feedback={"value": True}, rationale="it is")
        give(assessment_name="score", feedback={"value": 0.5})
        assert found(door, experiment, "feedback.good = 'true' AND feedback.score < 0.6") == ["tr-judged"]
        second = give(feedback={"value": False}, overrides=first["assessment_id"])
        path = f"traces/tr-judged/assessments/{first['assessment_id']}"
        assert door.get(path)["assessment"]["valid"] is False
        assert found(door, experiment, "feedback.good = 'true'") == []
        door.send("DELETE", f"traces/tr-judged/assessments/{second['assessment_id']}")
        assert door.get(path)["assessment"] | {"last_update_time": ""} == first | {"last_update_time": ""}
        changed = door.send("PATCH", path, assessment={"rationale": "no"}, update_mask="rationale").json["assessment"]
        assert (changed["rationale"], changed["feedback"]) == ("no", {"value": True})
        assert "stays so" in door.send("PATCH", path, assessment={"expectation": {"value": 1}}).error

    def test_an_expectation_may_be_written_as_text(self, door, experiment):
        started(door, experiment, "tr-expected")
        value = {"serialized_value": {"serialization_format": "JSON_FORMAT", "value": "[1]"}}
        made = door.post("traces/tr-expected/assessments", assessment={"assessment_name": "e", "expectation": value})
        assert made["assessment"]["expectation"] == value
        told = door.get("traces/tr-expected")["trace"]["trace_info"]["assessments"]
        assert told == [made["assessment"]]


class TestDeleting:
    def test_traces_go_with_their_files(self, door, experiment):
        started(door, experiment, "tr-gone")
        door.put("traces/tr-gone/traces.json", b"{}")
        assert door.post("traces/delete-traces", experiment_id="0", request_ids=["tr-gone"])["traces_deleted"] == 0
        for count in (1, 0):
            asked = {"experiment_id": experiment, "request_ids": ["tr-gone", "tr-never"]}
            assert door.post("traces/delete-traces", **asked)["traces_deleted"] == count
        assert door.refused("GET", "traces/tr-gone").startswith("RESOURCE_DOES_NOT_EXIST")
        started(door, experiment, "tr-gone")
        files = "/api/2.0/mlflow-artifacts/artifacts/traces/tr-gone/traces.json"
        assert door.request("GET", files).status == 404

    def test_the_oldest_go_first(self, door, experiment):
        for number in range(4):
            started(door, experiment, f"tr-old-{number}", request_time=f"2026-01-02T03:04:0{number}Z")
        until = {"experiment_id": experiment, "max_timestamp_millis": START_MS - 3678}
        assert door.post("traces/delete-traces", **until, max_traces=1)["traces_deleted"] == 1
        assert found(door, experiment) == ["tr-old-3", "tr-old-2", "tr-old-1"]
        assert door.post("traces/delete-traces", **until)["traces_deleted"] == 2
        assert found(door, experiment) == ["tr-old-3"]


class TestRights:
    def test_a_reader_reads_and_a_stranger_knows_nothing(self, door, experiment):
        from regista.entities.access import PrincipalKind
        from regista.services.access.access import SYSTEM

        started(door, experiment, "tr-rights")
        doors = {}
        for name in ("trace-reader", "trace-stranger"):
            door.house.principals.create(SYSTEM, name, PrincipalKind.USER)
            doors[name] = door.at(door.base, door.house.principals.create_key(SYSTEM, name, "k").secret)
        door.house.principals.assign(SYSTEM, "trace-reader", "Reader", "/")
        reader, stranger = doors.values()
        assert found(reader, experiment) == ["tr-rights"]
        for status, who in ((403, reader), (404, stranger)):
            tag = who.send("PATCH", "traces/tr-rights/tags", key="a", value="b")
            gone = who.send("POST", "traces/delete-traces", experiment_id=experiment, request_ids=["tr-rights"])
            spans = who.put("traces/tr-rights/traces.json", b"{}")
            told = who.send("POST", "traces", **info(experiment, "tr-mine"))
            assert [answer.status for answer in (tag, gone, spans, told)] == [status] * 4
        assert stranger.send("GET", "traces/tr-rights").status == 404
        assert door.get("traces/tr-rights")


HOSTILE = [
    None, "", 5, -1, 2**70, 1e400, [], {}, [[]], "\x00", "\ud800", "../../etc", "a" * 20_000, {"a": None}, [{"key": 1}], True,
]  # fmt: skip


class TestAnything:
    @pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
    def test_no_value_of_any_field_breaks_the_server(self, door, experiment, value):
        name = f"tr-hostile-{experiment}"
        started(door, experiment, name)
        fields = ("trace_id", "trace_location", "request_time", "state", "execution_duration", "tags", "trace_metadata",
                  "assessments", "client_request_id", "request_preview")  # fmt: skip
        asked = [("POST", "traces", info(experiment, name, **{field: value})) for field in fields]
        asked += [("POST", "traces", {field: value, "timestamp_ms": 1}) for field in ("experiment_id", "tags", "trace")]
        asked += [("POST", "traces", {"timestamp_ms": value}), ("PATCH", f"traces/{name}", {"timestamp_ms": value})]
        asked += [("PATCH", f"traces/{name}/tags", {"key": value, "value": value})]
        names = ("locations", "filter", "order_by", "max_results", "page_token")
        asked += [("POST", "traces/search", {field: value}) for field in names]
        asked += [("POST", "traces/delete-traces", {"experiment_id": experiment, "max_traces": value})]
        asked += [("POST", "traces/delete-traces", {"experiment_id": value, "request_ids": value})]
        asked += [("POST", "traces/link-to-run", {"run_id": value, "trace_ids": [name]})]
        asked += [("POST", "traces/link-prompts", {"trace_id": name, "prompt_versions": value})]
        asked += [("POST", "traces/batchGetInfos", {"trace_ids": value})]
        said = {"assessment_name": "x", "feedback": {"value": value}}
        asked += [("POST", f"traces/{name}/assessments", {"assessment": said | more}) for more in (
            {}, {"feedback": value}, {"overrides": value}, {"metadata": value}, {"create_time": value}, {"source": value}
        )]  # fmt: skip
        for method, path, body in asked:
            answer = door.request(method, f"/api/3.0/mlflow/{path}", json.dumps(body).encode())
            assert answer.status < 500, (path, body, answer.content)
        assert door.send("GET", f"traces/{name}").status == 200
