"""Hostile input at the native door: a clear error each, nothing left behind."""

import json
import sqlite3
import struct
import time
import tracemalloc
from hashlib import sha256
from typing import ClassVar

import pytest
from anyio.from_thread import start_blocking_portal

from regista.entities.digest import digest_of
from regista.services.access.access import SYSTEM
from tests.support.door import Door
from tests.support.houses import People, open_house

BLOB = b"bytes"
DIGEST = digest_of(BLOB)


LOOKS = {"audit_records": " WHERE mere_read = 0"}
"""That somebody looked, or was refused, is written down, and a moment later: that is meant to stay."""


class Place:
    """An installation with a workspace ``dev`` and a model ``m``, a key for it, and everything that it keeps."""

    def __init__(self, home, house, portal):
        self.home, self.house, self.people = home, house, People(house)
        self.scope = self.people.workspace("dev")
        self.people.registry("central")
        self.people.version(self.scope, name="m", files={"f": BLOB, "empty": b""})
        house.principals.create(SYSTEM, "mallory", "user")
        house.principals.assign(SYSTEM, "mallory", "Owner", "/")
        self.key = house.principals.create_key(SYSTEM, "mallory", "k").secret
        house.contents.put(house.access.authenticate(self.key), self.scope.address, [(DIGEST, BLOB)])
        self._door = Door(house, portal)

    def ask(self, method, path, **options):
        return self._door(method, path, options.pop("key", self.key), **options)

    def kept(self):
        """Every row of the catalog, every blob, every open upload."""
        with sqlite3.connect(self.home / "catalog.sqlite") as catalog:
            names = [name for (name,) in catalog.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            queries = {name: f"SELECT * FROM {name}{LOOKS.get(name, '')}" for name in names}  # noqa: S608
            rows = {name: sorted(map(repr, catalog.execute(query))) for name, query in queries.items()}
        catalog.close()
        files = sorted(str(path) for path in (self.home / "stores").rglob("*") if path.is_file())
        return rows, files

    def refuses(self, answer, *statuses):
        assert answer.status_code in statuses, answer.text[:500]
        problem = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert problem["detail"]
        assert len(answer.content) < 5000, "an error does not repeat what it was sent"
        assert "Traceback" not in answer.text
        return problem


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    home = tmp_path_factory.mktemp("hostile")
    with open_house(home, f"sqlite:///{home / 'catalog.sqlite'}") as house, start_blocking_portal() as portal:
        yield Place(home, house, portal)


@pytest.fixture
def place(shared):
    """The installation, and the proof that the test left nothing in it."""
    before = shared.kept()
    yield shared
    rows, files = shared.kept()
    assert files == before[1]
    assert rows == before[0]


def files(*paths, **more):
    return {"files": [{"path": path, "digest": DIGEST, "size": len(BLOB)} | more for path in paths]}


PATHS = [
    "..", ".", "", "/", "../x", "a/../b", "a/./b", "a//b", "/etc/passwd", "a/", "~/x/../../y", "a\\b", "..\\x", "C:\\x",
    "a\0b", "a\nb", "a\x1bb", "a\x7fb", "x" * 256, "/".join("x" * 200 for _ in range(30)), "é" * 128,
]  # fmt: skip


class TestManifests:
    @pytest.mark.parametrize("path", PATHS, ids=range(len(PATHS)))
    def test_a_path_that_is_none(self, place, path):
        place.refuses(place.ask("POST", "/workspaces/dev/models", json={"name": "x"} | files(path)), 400)

    @pytest.mark.parametrize("paths", [("a", "a"), ("a", "a/b"), ("a/b", "a"), ("a", "a-", "a/b"), ("a/b", "a/b/c/d")])
    def test_a_path_twice_and_a_file_that_is_a_folder(self, place, paths):
        place.refuses(place.ask("POST", "/workspaces/dev/models", json={"name": "x"} | files(*paths)), 400)

    @pytest.mark.parametrize("size", [-1, 4, 6, 2**31, 2**62 + 1, 2**63, 10**30, 5.5, "x", None, True])
    def test_a_size_that_lies(self, place, size):
        place.refuses(place.ask("POST", "/workspaces/dev/models", json={"name": "x"} | files("a", size=size)), 400)

    @pytest.mark.parametrize(
        "digest",
        [
            "",
            "sha256:",
            "sha256:" + "A" * 64,
            "sha256:" + "0" * 63,
            "md5:" + "0" * 32,
            "../../x",
            "sha256:../" + "0" * 61,
            5,
        ],
    )
    def test_a_digest_that_is_none(self, place, digest):
        place.refuses(place.ask("POST", "/workspaces/dev/models", json={"name": "x"} | files("a", digest=digest)), 400)

    def test_bytes_that_were_never_sent(self, place):
        body = {"name": "x"} | files("a", digest="sha256:" + "0" * 64)
        place.refuses(place.ask("POST", "/workspaces/dev/models", json=body), 404)

    def test_deep_folders_cost_no_memory(self, place):
        """4 KB of one-letter folders each: remembering every folder on the way would take gigabytes."""
        deep = "/".join("a" * 1 for _ in range(2040))
        entries = [{"path": f"{number}/{deep}", "digest": "sha256:" + "0" * 64, "size": 1} for number in range(300)]
        tracemalloc.start()
        began = time.monotonic()
        answer = place.ask("POST", "/workspaces/dev/models", json={"name": "x", "files": entries})
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        place.refuses(answer, 404)
        assert peak < 100 << 20
        assert time.monotonic() - began < 20


NAMES = [
    "",
    " x",
    "x ",
    ".x",
    "-x",
    "x/y",
    "..",
    "x\0",
    "x\n",
    "é",
    "x" * 256,
    "x" * 1_000_000,
    "$(id)",
    "<b>",
    "x:y",
    "x@y",
]


class TestNames:
    @pytest.mark.parametrize("name", NAMES[1:], ids=range(len(NAMES) - 1))
    @pytest.mark.parametrize("where", ["models", "scope", "principal", "version"])
    def test_a_name_that_is_none(self, place, name, where):
        path, body = {
            "models": ("/workspaces/dev/models", {"name": name}),
            "version": ("/workspaces/dev/models", {"name": "x", "version": name}),
            "scope": ("/workspaces", {"name": name}),
            "principal": ("/principals", {"name": name}),
        }[where]
        if where == "principal" and name == "x@y":
            return  # as in a mail address
        place.refuses(place.ask("POST", path, json=body), 400)

    @pytest.mark.parametrize(
        "tags", [{"": "x"}, {"k" * 256: "x"}, {"k": "v" * 100_001}, {"k": 1}, {"k": None}, [], "x"]
    )
    def test_tags_that_are_none(self, place, tags):
        place.refuses(place.ask("PATCH", "/workspaces/dev/models/m/versions/1", json={"tags": tags}), 400)
        place.refuses(place.ask("POST", "/workspaces/dev/models", json={"name": "x", "tags": tags}), 400)

    @pytest.mark.parametrize(
        ("method", "path"),
        [("POST", "/workspaces/dev/models"), ("PATCH", "/workspaces/dev/models/m"), ("PATCH", "/workspaces/dev"),
         ("POST", "/workspaces"), ("POST", "/principals"), ("POST", "/compare")],
    )  # fmt: skip
    def test_unknown_keys(self, place, method, path):
        problem = place.refuses(place.ask(method, path, json={"nmae": "x"}), 400)
        assert "nmae" in problem["detail"] or "required" in problem["detail"]


class TestBodies:
    ROUTES = (
        "/workspaces/dev/models",
        "/workspaces/dev/jobs",
        "/workspaces/dev/onlineEndpoints",
        "/compare",
        "/workspaces",
    )

    @pytest.mark.parametrize("route", ROUTES)
    @pytest.mark.parametrize(
        "content",
        [b"", b"{", b"null", b"[]", b"5", b'"x"', b"\xff\xfe", b'{"name": NaN}', b'{"name": "\\ud800"}', b"{}" * 2, b"\0",
         b'{"spec": ' + b"[" * 100_000, b'{"spec": ' + b'{"a":' * 5_000 + b"1" + b"}" * 5_001,
         b'{"name": "x", "spec": {"n": 1' + b"0" * 5000 + b"}}", b"name: !!python/object/apply:os.system [id]"],
        ids=range(15),
    )  # fmt: skip
    @pytest.mark.parametrize("media", ["application/json", "", "application/x-yaml", "multipart/form-data; boundary=x"])
    def test_a_body_that_is_none(self, place, route, content, media):
        headers = {"content-type": media} if media else {}
        place.refuses(place.ask("POST", route, content=content, headers=headers), 400, 415)

    @pytest.mark.parametrize("depth", [50, 200, 900, 20_000])
    @pytest.mark.parametrize("opening", ['{"a":', "["])
    def test_a_deep_specification(self, place, opening, depth):
        closing = "}" if opening.startswith("{") else "]"
        nested = opening * depth + "1" + closing * depth
        for kind, head in (("components", '"type": "command", "command": "x", '), ("environments", ""), ("data", "")):
            for field in ("x", "jobs", "inputs", "environment"):
                content = f'{{"name": "deep", "version": "{{bad}}", "spec": {{{head}"{field}": {nested}}}}}'
                place.refuses(place.ask("POST", f"/workspaces/dev/{kind}", content=content.encode()), 400)
        place.refuses(place.ask("POST", "/workspaces/dev/jobs", content=f'{{"jobs": {nested}}}'.encode()), 400)

    def test_more_than_a_document_may_be(self, place):
        answer = place.ask("POST", "/workspaces", content=b'{"name": "' + b"x" * (17 << 20) + b'"}')
        place.refuses(answer, 413)

    def test_a_large_body_of_a_stranger_is_not_read(self, place):
        sent = []

        async def body():
            for _ in range(64):
                sent.append(1)
                yield b" " * (1 << 20)

        place.refuses(place.ask("POST", "/workspaces", key="wrong", content=body()), 401)
        place.refuses(place.ask("POST", "/workspaces/dev/blobs/pack", key="wrong", content=body()), 401)
        assert len(sent) <= 4

    @pytest.mark.parametrize("limit", ["0", "-1", "x", "1.5", ""])
    def test_a_limit_that_is_none(self, place, limit):
        place.refuses(place.ask("GET", f"/workspaces?limit={limit}"), 400)

    @pytest.mark.parametrize("cursor", ["x", "AAAA", "%00", "é", "x" * 10_000, "gaNhYmM", "-1"])
    def test_a_cursor_that_is_none(self, place, cursor):
        for what in (
            "/workspaces",
            "/workspaces/dev/models",
            "/workspaces/dev/jobs",
            "/workspaces/dev/onlineEndpoints",
        ):
            place.refuses(place.ask("GET", f"{what}?cursor={cursor}"), 400)


def frame(content, digest=None, size=None):
    return (digest or sha256(content).digest()) + struct.pack(">Q", len(content) if size is None else size) + content


class TestBytes:
    PACKS: ClassVar = {
        "cut in the head": frame(b"x")[:20],
        "cut in the size": frame(b"x")[:36],
        "cut in the content": frame(b"x" * 10)[:-1],
        "longer than it says": frame(b"xx", size=1),
        "a size beyond everything": frame(b"x", size=2**63),
        "another digest": frame(b"x", digest=b"\0" * 32),
        "good, then bad": frame(BLOB) + b"\0" * 7,
    }

    @pytest.mark.parametrize("pack", PACKS.values(), ids=PACKS)
    def test_a_pack_that_lies(self, place, pack):
        place.refuses(place.ask("POST", "/workspaces/dev/blobs/pack", content=pack), 400)

    def test_more_than_a_request_may_carry(self, place):
        zeros = b"\0" * (1 << 20)

        async def body():
            for _ in range(82):
                yield zeros

        place.refuses(place.ask("POST", "/workspaces/dev/blobs/pack", content=body()), 413)
        place.refuses(place.ask("PUT", f"/workspaces/dev/blobs/{DIGEST}", content=body()), 413)

    def test_bytes_of_another_digest(self, place):
        place.refuses(place.ask("PUT", f"/workspaces/dev/blobs/{DIGEST}", content=b"other"), 400)

    @pytest.mark.parametrize("upload", ["0" * 32, "x", "..%2f..%2fblobs", "%00", "A" * 32, "0" * 10_000])
    def test_an_upload_that_is_none(self, place, upload):
        place.refuses(place.ask("GET", f"/workspaces/dev/uploads/{upload}"), 400, 404, 405)
        place.refuses(place.ask("PATCH", f"/workspaces/dev/uploads/{upload}?offset=0", content=b"x"), 400, 404, 405)

    @pytest.mark.parametrize("offset", ["1", "-1", "99999999999999999999999", "x", "nan"])
    def test_an_offset_that_lies(self, place, offset):
        upload = place.ask("POST", "/workspaces/dev/uploads").json()["id"]
        try:
            answer = place.ask("PATCH", f"/workspaces/dev/uploads/{upload}?offset={offset}", content=b"x")
            place.refuses(answer, 400, 409)
        finally:
            (next(place.home.rglob(upload))).unlink()

    def test_an_upload_of_another_digest_is_gone(self, place):
        upload = place.ask("POST", "/workspaces/dev/uploads").json()["id"]
        assert place.ask("PATCH", f"/workspaces/dev/uploads/{upload}?offset=0", content=b"other").status_code == 200
        place.refuses(place.ask("POST", f"/workspaces/dev/uploads/{upload}/commit", json={"digest": DIGEST}), 400)


class TestAddresses:
    FILES = "/workspaces/dev/models/m/versions/1/files/"

    @pytest.mark.parametrize(
        "path",
        ["%2e%2e/%2e%2e/etc/passwd", "..%2f..%2fetc%2fpasswd", "%00", "f%00", "f/", "%2Ff", "F", "é", "%ff", "x" * 60_000,
         "%252e%252e", "f?x=../..", "//etc/passwd", "f;x", "f%20"],
    )  # fmt: skip
    def test_a_file_that_is_not_there(self, place, path):
        answer = place.ask("GET", self.FILES + path)
        if answer.status_code == 200:
            assert answer.content == BLOB
        else:
            place.refuses(answer, 400, 404, 405)

    @pytest.mark.parametrize(
        "scope", ["%00", "a:b", "a:b:c:d", "..", "%2e%2e", "dev%00", "DEV", " dev", "x" * 10_000, "é", "%ff"]
    )
    @pytest.mark.parametrize("rest", ["", "/models", "/jobs", "/uploads"])
    def test_a_scope_that_is_not_there(self, place, scope, rest):
        place.refuses(place.ask("GET", f"/workspaces/{scope}{rest}"), 400, 404, 405)

    @pytest.mark.parametrize("kinds", ["modells", "%00", "__class__", "x" * 5000])
    def test_a_kind_that_is_none(self, place, kinds):
        place.refuses(place.ask("GET", f"/workspaces/dev/{kinds}"), 400, 404)

    @pytest.mark.parametrize(
        ("wanted", "status", "content"),
        [
            ("bytes=0-1", 206, b"by"), ("bytes=-2", 206, b"es"), ("bytes=3-", 206, b"es"), ("bytes=0-999", 206, BLOB),
            ("bytes=0-1,3-4", 200, BLOB), ("items=0-1", 200, BLOB), ("bytes=", 200, BLOB), ("bytes=-", 200, BLOB),
            ("bytes=x-y", 200, BLOB), ("bytes=" + "9" * 500 + "-", 200, BLOB), ("", 200, BLOB), ("bytes=-999", 206, BLOB),
            ("bytes=5-", 400, None), ("bytes=4-2", 400, None), ("bytes=-0", 400, None), ("bytes=" + "9" * 18 + "-", 400, None),
        ],
    )  # fmt: skip
    def test_a_range(self, place, wanted, status, content):
        answer = place.ask("GET", self.FILES + "f", headers={"Range": wanted})
        assert answer.status_code == status
        if content is None:
            place.refuses(answer, 400)
        else:
            assert answer.content == content
            assert int(answer.headers["content-length"]) == len(content)

    @pytest.mark.parametrize("wanted", ["bytes=0-", "bytes=-1", "bytes=0-0"])
    def test_a_range_of_nothing(self, place, wanted):
        place.refuses(place.ask("GET", self.FILES + "empty", headers={"Range": wanted}), 400)


class TestKeys:
    @pytest.mark.parametrize(
        "header",
        [
            "",
            "Bearer",
            "Bearer ",
            "Basic YTpi",
            "Bearer  x y",
            "bearer rga_",
            "Bearer " + "x" * 60_000,
            "Bearer \xe9",
            "Token x",
        ],
        ids=range(9),
    )
    def test_a_header_that_opens_nothing(self, place, header):
        answer = place.ask("GET", "/about", key=None, headers={"Authorization": header.encode("latin-1")})
        problem = place.refuses(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"
        assert header[7:] not in problem["detail"] or not header[7:].strip()

    @pytest.mark.parametrize("query", ["access_token={}", "key={}", "authorization=Bearer%20{}"])
    def test_a_key_in_an_address_is_no_key(self, place, query):
        place.refuses(place.ask("GET", "/about?" + query.format(place.key), key=None), 401)


class TestDocuments:
    def job(self, **jobs):
        return {"type": "pipeline", "jobs": jobs}

    @pytest.mark.parametrize(
        "jobs",
        [
            {"a": {"command": "x", "inputs": {"i": "${{parent.jobs.a.outputs.o}}"}, "outputs": {"o": {}}}},
            {
                "a": {"command": "x", "inputs": {"i": "${{parent.jobs.b.outputs.o}}"}, "outputs": {"o": {}}},
                "b": {"command": "x", "inputs": {"i": "${{parent.jobs.a.outputs.o}}"}, "outputs": {"o": {}}},
            },
            {"a": {"command": "x", "inputs": {"i": "${{parent.jobs.none.outputs.o}}"}}},
            {"a": {"command": "${{inputs.none}}"}},
            {"a": {"command": "x", "code": "/etc"}},
            {"a": {"command": "x", "code": "../.."}},
            {"a": {"component": "azureml:none:1"}},
            {"../a": {"command": "x"}},
            {"a\0": {"command": "x"}},
            {"a": 5},
            {},
        ],
        ids=range(11),
    )
    @pytest.mark.parametrize("as_component", [False, True])
    def test_a_pipeline_that_cannot_be(self, place, jobs, as_component):
        environment = {"image": "python:3.11"}
        jobs = {
            name: one | {"environment": environment} if isinstance(one, dict) and "command" in one else one
            for name, one in jobs.items()
        }
        document = self.job(**jobs)
        if as_component:
            answer = place.ask("POST", "/workspaces/dev/components", json={"name": "p", "spec": document})
        else:
            answer = place.ask("POST", "/workspaces/dev/jobs", json=document)
        place.refuses(answer, 400, 404)

    def test_a_component_that_is_refused_leaves_no_environment(self, place):
        """An inline environment is registered with its component or not at all."""
        spec = {"type": "command", "command": "x", "environment": {"image": "never-seen"}}
        body = {"name": "x", "version": "latest", "spec": spec}
        place.refuses(place.ask("POST", "/workspaces/dev/components", json=body), 400)
        body = {"name": "x", "version": "1", "spec": spec} | files("f", digest="sha256:" + "0" * 64)
        place.refuses(place.ask("POST", "/workspaces/dev/components", json=body), 404)

    @pytest.mark.parametrize(
        "spec",
        [{"conda_file": "/etc/passwd"}, {"conda_file": "../x"}, {"pip": "/etc/passwd"}, {"build": {"path": "/etc"}}, {"build": {}},
         {"image": {"a": 1}}, {"image": ["x"]}, {"os_type": "amiga"}, {"inference_config": 5}, {"conda_file": {"dependencies": {"a": 1}}}],
        ids=range(10),
    )  # fmt: skip
    def test_an_environment_that_cannot_be(self, place, spec):
        place.refuses(
            place.ask("POST", "/workspaces/dev/environments", json={"name": "e", "spec": spec}), 400, 404, 501
        )

    @pytest.mark.parametrize("number", [10**30, -(10**30), 1e308, 2**64])
    def test_a_number_that_is_none(self, place, number):
        body = json.dumps({"name": "x", "version": "latest", "spec": {"n": number}}).encode()
        place.refuses(place.ask("POST", "/workspaces/dev/data", content=body), 400)
