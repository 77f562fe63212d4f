"""Importing from sources that are hostile or broken: what cannot be taken is told in a line, and the rest is here."""

# ruff: noqa: S608 - the statements are the test's own

import json
import math
import sqlite3
import threading
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from regista.client.imports.book import ImportBook
from regista.client.imports.checking import Checking
from regista.client.imports.database import DatabaseSource
from regista.client.imports.folder import FolderSource
from regista.client.imports.importing import Problems
from regista.client.imports.local_files import LocalFiles
from regista.client.imports.records import SourceRun
from regista.client.imports.server import ServerSource
from regista.errors import ConflictError, InvalidError, NotFoundError, RegistaError, UnavailableError

RUN = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def problems():
    return Problems()


def written(folder, files):
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    return folder


class TestLocalFiles:
    def test_files_are_found_where_the_folder_was_moved_to(self, tmp_path, problems):
        written(tmp_path, {"1/r/artifacts/a/b.txt": "b", "1/models/m-1/artifacts/MLmodel": "m", "1/r/artifacts/c": ""})
        files = LocalFiles(tmp_path, problems.tell)
        for place in ("1/r/artifacts", "/old/place/1/r/artifacts", "file:///old/1/r/artifacts",
                      "mlflow-artifacts:/1/r/artifacts", "s3://bucket/x/1/r/artifacts", f"{tmp_path}/1/r/artifacts"):  # fmt: skip
            assert {(file.path, b"".join(file.read())) for file in files.below(place)} == {
                ("a/b.txt", b"b"),
                ("c", b""),
            }
        assert [file.path for file in files.below("dbfs:/1/models/m-1/artifacts")] == ["MLmodel"]
        assert not problems.told

    @pytest.mark.parametrize(
        "place", ["../outside", "/etc", "file:///etc", "mlflow-artifacts:/../outside", "file:///a/%2e%2e/b", "1/r/artifacts/../../..",
                  "", "\0", "runs:/x/y", "http://[bad"]
    )  # fmt: skip
    def test_nothing_leads_out_of_the_folder(self, tmp_path, problems, place):
        written(tmp_path, {"outside/secret": "s", "inside/1/r/artifacts/f": "f"})
        assert [*LocalFiles(tmp_path / "inside", problems.tell).below(place)] == []

    def test_links_are_told_and_not_followed(self, tmp_path, problems):
        written(tmp_path, {"secret": "s", "in/1/r/artifacts/f": "f", "in/2/f": "f"})
        (tmp_path / "in/1/r/artifacts/link").symlink_to(tmp_path / "secret")
        (tmp_path / "in/1/r/artifacts/folder").symlink_to(tmp_path)
        (tmp_path / "in/2/r").symlink_to(tmp_path / "in/1/r")
        files = LocalFiles(tmp_path / "in", problems.tell)
        assert [file.path for file in files.below("1/r/artifacts")] == ["f"]
        assert [*files.below("2/r/artifacts")] == []
        assert len(problems.told) == 3

    def test_a_name_that_no_file_can_have_here_costs_only_that_file(self, tmp_path, problems):
        written(tmp_path, {"1/r/artifacts/a\\b": "x", "1/r/artifacts/new\nline": "x", "1/r/artifacts/good": "x"})
        assert [file.path for file in LocalFiles(tmp_path, problems.tell).below("1/r/artifacts")] == ["good"]
        assert len(problems.told) == 2
        assert all(line.isprintable() for line in problems.told)


def run_folder(folder, number="1", run=RUN, **files):
    meta = f"run_id: {run}\nrun_name: r\nstatus: 3\nstart_time: 5\nend_time: 9\nlifecycle_stage: active\n"
    written(
        folder,
        {f"{number}/meta.yaml": f"name: e{number}\nlifecycle_stage: active\n", f"{number}/{run}/meta.yaml": meta},
    )
    return written(folder / number / run, files)


class TestFolder:
    def test_a_measurement_counts_once_and_a_broken_line_only_itself(self, tmp_path, problems):
        lines = "5 1.5 0\n5 1.5 0\n6 nan 1\n6 nan 1\nbroken\n7 2.5\n8 1 99999999999999999999\n9 inf -2\n"
        run_folder(tmp_path, **{"metrics/a/b": lines})
        source = FolderSource(tmp_path, problems.tell)
        (run,) = source.runs("1")
        points = {(key, "nan" if math.isnan(value) else value, at, step) for key, value, at, step in source.points(run)}
        assert points == {("a/b", 1.5, 5, 0), ("a/b", "nan", 6, 1), ("a/b", 2.5, 7, 0), ("a/b", math.inf, 9, -2)}
        assert [*problems.told] == [
            f"{tmp_path}/1/{RUN}/metrics/a/b, line 5: is no measurement of 'a/b'",
            f"{tmp_path}/1/{RUN}/metrics/a/b, line 7: is no measurement of 'a/b'",
        ]

    @pytest.mark.parametrize("meta", ["", "- a\n", "{", "run_id: other\n", "run_id: [1]\n", "!!python/object:os.system {}\n",
                                      f"run_id: {RUN}\nstart_time: never\n"])  # fmt: skip
    def test_a_run_that_cannot_be_read_costs_only_itself(self, tmp_path, problems, meta):
        run_folder(tmp_path)
        run_folder(tmp_path, run="f" * 32)
        (tmp_path / "1" / RUN / "meta.yaml").write_text(meta)
        assert [run.id for run in FolderSource(tmp_path, problems.tell).runs("1")] == ["f" * 32]
        assert len(problems.told) == 1

    def test_parameters_behind_links_are_not_read(self, tmp_path, problems):
        (tmp_path / "secret").write_text("s")
        run_folder(tmp_path / "mlruns", **{"params/a": "1"})
        (tmp_path / "mlruns" / "1" / RUN / "params" / "b").symlink_to(tmp_path / "secret")
        (run,) = FolderSource(tmp_path / "mlruns", problems.tell).runs("1")
        assert run.params == {"a": "1"}
        assert len(problems.told) == 1

    def test_what_is_no_store_is_refused(self, tmp_path, problems):
        with pytest.raises(InvalidError, match="no folder of MLflow's runs"):
            FolderSource(tmp_path, problems.tell)


@pytest.fixture
def database(tmp_path):
    """A database of the oldest shape, with a row that is broken; its address."""
    with closing(sqlite3.connect(tmp_path / "old.db")) as rows:
        rows.executescript(f"""
            CREATE TABLE experiments (experiment_id INTEGER, name TEXT, artifact_location TEXT, lifecycle_stage TEXT);
            CREATE TABLE runs (run_uuid TEXT, name TEXT, user_id TEXT, status TEXT, start_time, end_time, lifecycle_stage TEXT,
                               artifact_uri TEXT, experiment_id INTEGER);
            CREATE TABLE metrics (key TEXT, value, timestamp, run_uuid TEXT, step, is_nan);
            CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);
            CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
            INSERT INTO experiments VALUES (0, 'Default', '', 'active');
            INSERT INTO runs VALUES ('{RUN}', 'r', 'ada', 'FINISHED', 5, 9, 'active', '/etc', 0);
            INSERT INTO runs VALUES ('b', 'r', 'ada', 'FINISHED', 6, 'never', 'active', '', 0);
            INSERT INTO runs VALUES ('c', 'r', 'ada', 'FINISHED', NULL, NULL, 'deleted', '', 0);
            INSERT INTO metrics VALUES ('m', 1.5, 5, '{RUN}', 0, 0), ('m', 'text', 5, '{RUN}', 1, 0), ('n', 0, 6, '{RUN}', 0, 1);
            INSERT INTO params VALUES ('p', NULL, '{RUN}'), (NULL, 'x', '{RUN}');
        """)
    return f"sqlite:///{tmp_path}/old.db"


class TestDatabase:
    def test_an_old_one_is_read_and_a_broken_row_costs_only_itself(self, database, problems, tmp_path):
        source = DatabaseSource(database, problems.tell, tmp_path)
        assert [one.name for one in source.experiments()] == ["Default"]
        runs = [*source.runs("0")]
        assert [(run.id, run.deleted) for run in runs] == [("c", True), (RUN, False)]
        assert runs[1].params == {"p": ""}
        points = [*source.points(runs[1])]
        assert points[0] == ("m", 1.5, 5, 0)
        assert math.isnan(points[1][1])
        assert len(points) == 2
        assert [*source.models("0")] == [*source.names()] == [*source.run_files(runs[1])] == []
        assert len(problems.told) == 2

    def test_what_is_no_database_of_mlflow_is_refused(self, tmp_path, problems):
        (tmp_path / "text").write_text("x" * 5000)
        sqlite3.connect(tmp_path / "empty.db").close()
        for address, error in (("sqlite:///none.db", NotFoundError), (f"sqlite:///{tmp_path}/empty.db", InvalidError),
                               (f"sqlite:///{tmp_path}/text", UnavailableError), ("mysql://u:secret@h/d", InvalidError),
                               ("sqlite:///%%%", RegistaError)):  # fmt: skip
            with pytest.raises(error) as refusal:
                DatabaseSource(address, problems.tell, None)
            assert "secret" not in str(refusal.value)

    def test_a_password_is_told_to_nobody(self, problems):
        with pytest.raises(UnavailableError) as refusal:
            DatabaseSource("postgresql://ada:geheim@127.0.0.1:1/mlflow", problems.tell, None)
        assert "geheim" not in f"{refusal.value} {refusal.value.hint}"


@contextmanager
def answering(answers):
    """A server that answers by path; its address, and what it was sent."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            parts = urlsplit(self.path)
            size = int(self.headers.get("content-length") or 0)
            self.rfile.read(size)
            seen.append((parts.path, parse_qs(parts.query), self.headers.get("authorization")))
            said = answers(parts.path, parse_qs(parts.query))
            status, body = said if isinstance(said, tuple) else (200, json.dumps(said).encode())
            self.send_response(status)
            if status == 302:
                self.send_header("location", "http://127.0.0.1:1/elsewhere")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the name that the library calls

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", seen
    finally:
        server.shutdown()
        server.server_close()


class TestServer:
    def test_paths_that_lead_elsewhere_are_told_and_the_others_are_read(self, problems):
        tree = {
            "": [{"path": "../../etc/passwd"}, {"path": "/etc/passwd"}, {"path": "good.txt", "file_size": 4},
                 {"path": "dir", "is_dir": True}, {"nothing": 1}, {"path": "a\\b"}],
            "dir": [{"path": "dir", "is_dir": True}, {"path": "f", "file_size": "x"}, {"path": "f2", "file_size": 2}],
        }  # fmt: skip

        def answers(path, query):
            if path.endswith("/artifacts"):
                folder = query["path"][0].removeprefix("1/r/artifacts").strip("/")
                return {"files": tree.get(folder, [])}
            return (200, b"text") if "artifacts/" in path else {}

        with answering(answers) as (url, _):
            run = SourceRun(id=RUN, experiment="1", place="mlflow-artifacts:/1/r/artifacts")
            files = [*ServerSource(url, problems.tell, {}).run_files(run)]
            assert [file.path for file in files] == ["good.txt", "dir/f2"]
            assert b"".join(files[0].read()) == b"text"
        assert len(problems.told) == 5

    def test_files_of_other_servers_are_not_fetched(self, problems):
        with answering(lambda *_: {}) as (url, seen):
            source = ServerSource(url, problems.tell, {"MLFLOW_TRACKING_TOKEN": "geheim"})
            for place in ("http://elsewhere/api/2.0/mlflow-artifacts/artifacts/x", "s3://bucket/x", "http://[bad"):
                assert [*source.run_files(SourceRun(id=RUN, experiment="1", place=place))] == []
            assert {path for path, _, _ in seen} == {
                "/api/2.0/mlflow/experiments/search",
                "/api/2.0/mlflow/artifacts/list",
            }
            assert {token for _, _, token in seen} == {"Bearer geheim"}

    def test_credentials_go_nowhere_else_and_into_no_message(self, problems):
        given = {"MLFLOW_TRACKING_USERNAME": "ada", "MLFLOW_TRACKING_PASSWORD": "geheim"}
        for status in (302, 401, 403, 404):
            with (
                answering(lambda *_, status=status: (status, b"no")) as (url, _),
                pytest.raises(RegistaError) as refusal,
            ):
                ServerSource(url, problems.tell, given)
            assert "geheim" not in f"{refusal.value} {refusal.value.hint} {refusal.value.__cause__}"
        with pytest.raises(InvalidError, match="not encrypted"):
            ServerSource("http://mlflow.example", problems.tell, given)

    def test_a_token_that_comes_again_ends_the_pages(self, problems):
        def answers(path, _):
            return {"runs": [{"info": {}}], "next_page_token": "again"} if path.endswith("runs/search") else {}

        with answering(answers) as (url, seen):
            assert [*ServerSource(url, problems.tell, {}).runs("1")] == []
            assert len(seen) == 3

    def test_what_is_no_number_comes_bare_or_as_text(self, problems):
        body = (
            200,
            b'{"metrics": [{"value": NaN, "timestamp": 1}, {"value": "Infinity", "timestamp": "2", "step": 3}, {"value": []}]}',
        )

        def answers(path, _):
            return body if path.endswith("get-history") else {}

        with answering(answers) as (url, _):
            points = [*ServerSource(url, problems.tell, {}).points(SourceRun(id=RUN, experiment="1", keys=("m",)))]
        assert math.isnan(points[0][1])
        assert points[1] == ("m", 1.7976931348623157e308, 2, 3)
        assert len(points) == 2
        assert len(problems.told) == 1


TRACE = {
    "trace_id": "tr-1", "request_time": "2026-01-02T03:04:05.678Z", "execution_duration": "1.250s", "state": "OK",
    "trace_metadata": {"m": "1"}, "tags": {"t": "2", "mlflow.artifactLocation": "s3://elsewhere/x"},
    "assessments": [
        {"assessment_id": "a-1", "assessment_name": "good", "feedback": {"value": True}, "create_time": "2026-01-02T03:04:05Z"},
        {"assessment_id": "a-2", "assessment_name": "i", "issue": {"issue_name": "x"}},
        {"assessment_id": "a-3", "feedback": {"value": 1}},
    ],
}  # fmt: skip


class TestTraces:
    def test_what_cannot_be_read_of_one_is_told_and_the_rest_is_here(self, problems):
        def answers(path, _):
            if path.endswith("traces/search"):
                return {"traces": [TRACE, {"trace_id": "tr-2", "request_time": "never"}, {"tags": {}}, "no trace"]}
            return (200, b'{"spans": []}') if path.endswith("get-trace-artifact") else {}

        with answering(answers) as (url, seen):
            (trace,) = ServerSource(url, problems.tell, {}).traces("1")
            (file,) = trace.files()
            assert (file.path, file.size, b"".join(file.read())) == ("traces.json", 13, b'{"spans": []}')
        assert {path for path, _, _ in seen} == {
            "/api/2.0/mlflow/experiments/search", "/api/2.0/mlflow/runs/search", "/api/3.0/mlflow/traces/search",
            "/ajax-api/2.0/mlflow/get-trace-artifact",
        }  # fmt: skip
        body = Checking(problems.tell).trace(trace, 1)
        assert (body.started_at, body.duration, body.status) == (1767323045678, 1250, "ok")
        assert (body.tags, body.metadata, [one.id for one in body.assessments]) == ({"t": "2"}, {"m": "1"}, ["a-1"])
        assert len(problems.told) == 4

    def test_spans_that_are_not_there_are_told_unless_the_trace_has_not_ended(self, problems):
        states = {"tr-1": "OK", "tr-2": "IN_PROGRESS"}

        def answers(path, _):
            traces = [TRACE | {"trace_id": name, "state": state, "assessments": []} for name, state in states.items()]
            return (
                {"traces": traces} if path.endswith("traces/search") else (404, b"none") if "artifact" in path else {}
            )

        with answering(answers) as (url, _):
            assert [[*trace.files()] for trace in ServerSource(url, problems.tell, {}).traces("1")] == [[], []]
        assert [line.partition(":")[0] for line in problems.told] == ["trace tr-1"]

    def test_those_of_mlflow_2_are_read_where_there_are_no_others(self, problems):
        old = {"request_id": "tr-1", "timestamp_ms": "5", "execution_time_ms": "7", "status": "ERROR",
               "request_metadata": [{"key": "m", "value": "1"}], "tags": [{"key": "t"}]}  # fmt: skip

        def answers(path, _):
            return {"traces": [old]} if path == "/api/2.0/mlflow/traces" else (404, b"") if "traces" in path else {}

        with answering(answers) as (url, _):
            source = ServerSource(url, problems.tell, {})
            (trace,) = source.traces("1")
            assert [*source.webhooks()] == []
        assert (trace.id, trace.started_at, trace.duration, trace.metadata, trace.tags) == (
            "tr-1",
            5,
            7,
            {"m": "1"},
            {"t": ""},
        )

    def test_a_database_keeps_spans_in_rows_in_files_or_out_of_reach(self, database, problems, tmp_path):
        (tmp_path / "0/traces/tr-2/artifacts").mkdir(parents=True)
        (tmp_path / "0/traces/tr-2/artifacts/traces.json").write_text('{"spans":[{}]}')
        with closing(sqlite3.connect(tmp_path / "old.db")) as rows:
            rows.executescript("""
                CREATE TABLE trace_info (request_id TEXT, experiment_id INTEGER, timestamp_ms, execution_time_ms, status TEXT,
                                         trace_name TEXT, session_id TEXT, total_tokens);
                CREATE TABLE trace_tags (request_id TEXT, key TEXT, value TEXT);
                CREATE TABLE spans (trace_id TEXT, span_id TEXT, start_time_unix_nano, content TEXT);
                CREATE TABLE assessments (assessment_id, trace_id, name, assessment_type, value, error, created_timestamp,
                                          last_updated_timestamp, source_type, source_id, span_id, rationale);
                INSERT INTO trace_info VALUES ('tr-1', 0, 5, 1, 'OK', 'n', 's', 3), ('tr-2', 0, 6, NULL, 'OK', NULL, NULL, NULL),
                    ('tr-3', 0, 7, 1, 'OK', NULL, NULL, NULL), ('tr-4', 0, 8, 'long', 'OK', NULL, NULL, NULL);
                INSERT INTO trace_tags VALUES ('tr-1', 'mlflow.trace.spansLocation', 'TRACKING_STORE'),
                    ('tr-3', 'mlflow.trace.spansLocation', 'ARCHIVE_REPO'),
                    ('tr-2', 'mlflow.artifactLocation', 'dbfs:/old/0/traces/tr-2/artifacts');
                INSERT INTO spans VALUES ('tr-1', 'b', 2, '{"n": 2}'), ('tr-1', 'a', 1, '{"n": 1}'), ('tr-1', 'c', 3, '');
                INSERT INTO assessments VALUES ('a-1', 'tr-1', 'good', 'feedback', '1', NULL, 5, 6, 'HUMAN', NULL, NULL, NULL),
                    ('a-2', 'tr-1', 'bad', 'issue', '1', NULL, 5, 6, 'HUMAN', NULL, NULL, NULL),
                    ('a-3', 'tr-1', 'bad', 'feedback', '{', NULL, 5, 6, 'HUMAN', NULL, NULL, NULL);
            """)
        traces = [*DatabaseSource(database, problems.tell, tmp_path).traces("0")]
        spans = [[(file.size, b"".join(file.read())) for file in trace.files()] for trace in traces]
        assert spans == [[(29, b'{"spans":[{"n": 1},{"n": 2}]}')], [(14, b'{"spans":[{}]}')], []]
        assert traces[0].metadata == {"mlflow.trace.session": "s", "mlflow.trace.tokenUsage": '{"total_tokens": 3}'}
        assert traces[0].tags["mlflow.traceName"] == "n"
        assert [one.id for one in traces[0].assessments] == ["a-1"]
        assert len(problems.told) == 4


class TestBookAndChecks:
    def test_what_the_server_would_refuse_is_left_out_alone(self, problems):
        checking = Checking(problems.tell)
        run = SourceRun(
            id=RUN, experiment="0", user="ada", status="odd", tags={"": "x", "k" * 300: "x", "ok": "a\0\ud800"}
        )
        body = checking.run(run, 0)
        assert body.tags == {"ok": "a\ufffd?", "mlflow.user": "ada"}
        assert body.status == "Completed"
        assert len(problems.told) == 3
        points = [("m", math.inf, 1, 0), ("m", math.nan, 1, 0), ("", 1.0, 1, 0), ("m", 1.0, 2**63, 0)]
        assert [*checking.points(points, "run")] == [("m", 1.7976931348623157e308, 1, 0), ("m", None, 1, 0)]

    def test_a_book_is_held_by_one_and_forgets_nothing(self, tmp_path):
        book = ImportBook("a", "b", tmp_path)
        book.note("run", "x", {"runs": 1})
        with pytest.raises(ConflictError, match="another import"):
            ImportBook("a", "b", tmp_path)
        book.close()
        again = ImportBook("a", "b", tmp_path)
        assert again.find("run", "x") == {"runs": 1}
        assert again.find("run", "y") is None
        assert [*again.ids("run", 5)] == [["x"]]
        again.close()
        assert ImportBook("a", "other", tmp_path).find("run", "x") is None
