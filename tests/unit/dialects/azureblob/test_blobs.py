"""Whole blobs: put, looked at, listed, fetched, deleted."""

import base64
import hashlib

import pytest


def md5(content):
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()


class TestPutting:
    def test_a_blob_is_put_looked_at_and_fetched(self, door):
        put = door.put(
            "LocalUpload/ab/model é.pkl", b"weights", x_ms_meta_name="n", x_ms_blob_content_type="text/plain"
        )
        assert (put.status, put.headers["x-ms-version"], put.headers["x-ms-request-id"]) == (
            201,
            "2025-11-05",
            "request-1",
        )
        head = door.head("LocalUpload/ab/model é.pkl")
        assert (head.status, head.content) == (200, b"")
        assert head.headers["content-length"] == "7"
        assert head.headers["x-ms-blob-type"] == "BlockBlob"
        assert head.headers["x-ms-meta-name"] == "n"
        assert head.headers["content-type"] == "text/plain"
        assert (head.headers["etag"], head.headers["last-modified"]) == (
            put.headers["etag"],
            put.headers["last-modified"],
        )
        got = door.get("LocalUpload/ab/model é.pkl")
        assert (got.status, got.content) == (200, b"weights")
        assert got.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert got.headers["x-content-type-options"] == "nosniff"

    def test_what_is_not_there_is_told_in_a_header_too(self, door):
        for answer in (door.head("nothing"), door.get("nothing")):
            assert (answer.status, answer.code) == (404, "BlobNotFound")

    def test_a_blob_that_is_there_is_replaced_unless_none_may_be(self, door):
        first = door.put("a", b"1").headers["etag"]
        refused = door.put("a", b"2", if_none_match="*")
        assert (refused.status, refused.code) == (409, "BlobAlreadyExists")
        assert door.get("a").content == b"1"
        second = door.put("a", b"22").headers["etag"]
        assert first != second
        assert door.put("a", b"3", if_match=first).code == "ConditionNotMet"
        assert door.put("a", b"4", if_match=second).status == 201
        assert door.put("b", b"5", if_match="*").code == "ConditionNotMet"
        assert door.get("a").content == b"4"

    def test_the_md5_of_the_body_is_checked_and_kept(self, door):
        assert door.put("a", b"content", content_md5=md5(b"content")).status == 201
        assert door.head("a").headers["content-md5"] == md5(b"content")
        wrong = door.put("a", b"other", content_md5=md5(b"another"))
        assert (wrong.status, wrong.code) == (400, "Md5Mismatch")
        assert door.get("a").content == b"content"
        for nonsense in ("x", "AAAA", md5(b"")[:-4], "\xff" * 24):
            assert door.put("a", b"other", content_md5=nonsense).code == "InvalidMd5"

    def test_a_body_that_ends_early_leaves_nothing(self, door, tmp_path):
        assert door.put("a", b"x" * 3_000_000, cut=True).status == 0
        assert door.head("a").status == 404
        assert not list((tmp_path / "stores" / "default" / "uploads").iterdir())

    def test_a_large_body_is_what_it_was(self, door):
        content = hashlib.sha256(b"seed").digest() * 200_000
        assert door.put("large", content).status == 201
        assert door.get("large").content == content

    def test_metadata_is_replaced_and_its_mark_is_read_again(self, door):
        door.put("a", b"1", x_ms_meta_old="1")
        marked = door.request("PUT", "a", headers={"x-ms-meta-upload_status": "completed"}, comp="metadata")
        assert marked.status == 200
        head = door.head("a").headers
        assert head["x-ms-meta-upload_status"] == "completed"
        assert "x-ms-meta-old" not in head
        assert head["etag"] == marked.headers["etag"]
        assert door.request("PUT", "nothing", comp="metadata").status == 404

    @pytest.mark.parametrize("name", ["x-ms-meta-", "x-ms-meta-1a", "x-ms-meta-a b", "x-ms-meta-<x>"])
    def test_metadata_that_could_not_stand_in_a_list_is_refused(self, door, name):
        assert door.put("a", b"1", **{name: "v"}).code == "InvalidMetadata"

    def test_other_kinds_of_blobs_and_copies_are_refused(self, door):
        assert door.put("a", b"", x_ms_blob_type="PageBlob").code == "InvalidHeaderValue"
        assert door.put("a", b"", x_ms_copy_source="https://elsewhere/x").status == 501
        assert door.request("PUT", "a", comp="lease").status == 405
        assert door.request("POST", "a").status == 405

    def test_a_deleted_blob_is_gone(self, door):
        door.put("a", b"1")
        assert door.request("DELETE", "a").status == 202
        assert door.head("a").status == 404
        assert door.request("DELETE", "a").status == 404


class TestFetching:
    @pytest.fixture
    def blob(self, door):
        door.put("a", b"0123456789")
        return "a"

    @pytest.mark.parametrize(
        ("asked", "content", "told"),
        [
            ("bytes=0-33554431", b"0123456789", "bytes 0-9/10"),
            ("bytes=2-4", b"234", "bytes 2-4/10"),
            ("bytes=9-", b"9", "bytes 9-9/10"),
        ],
    )
    def test_a_range_is_part_of_the_content(self, door, blob, asked, content, told):
        for header in ("range", "x-ms-range"):
            answer = door.get(blob, **{header: asked})
            assert (answer.status, answer.content, answer.headers["content-range"]) == (206, content, told)

    @pytest.mark.parametrize("asked", ["bytes=10-11", "bytes=5-4", "bytes=999999999999999999-"])
    def test_a_range_beyond_the_end_is_refused_with_the_size(self, door, blob, asked):
        answer = door.get(blob, x_ms_range=asked)
        assert (answer.status, answer.code, answer.headers["content-range"]) == (416, "InvalidRange", "bytes */10")

    def test_an_empty_blob_has_no_first_byte(self, door):
        door.put("empty", b"")
        assert door.get("empty", x_ms_range="bytes=0-33554431").code == "InvalidRange"
        answer = door.get("empty")
        assert (answer.status, answer.content, answer.headers["content-length"]) == (200, b"", "0")

    @pytest.mark.parametrize("asked", ["bytes=-5", "bytes=a-b", "lines=1-2", "bytes=1-2,4-5", "bytes=٣-٤"[:6]])
    def test_what_is_no_range_of_the_protocol_is_answered_whole(self, door, blob, asked):
        assert door.get(blob, x_ms_range=asked).status == 200

    def test_a_blob_that_has_changed_since_is_not_mixed_with_the_old_one(self, door, blob):
        etag = door.head(blob).headers["etag"]
        assert door.get(blob, if_match=etag).status == 200
        assert door.get(blob, if_none_match=etag).status == 304
        door.put(blob, b"new")
        assert door.get(blob, if_match=etag).code == "ConditionNotMet"


class TestListing:
    @pytest.fixture
    def names(self, door):
        names = ["a", "a/b", "a/c/d", "a&<b>", "b/x", "é"]
        for name in names:
            door.put(name, name.encode(), x_ms_meta_name="n")
        return names

    def test_all_blobs_come_in_order_with_their_properties(self, door, names):
        answer = door.list()
        assert answer.headers["content-type"] == "application/xml"
        assert answer.names() == ["a", "a&amp;&lt;b&gt;", "a/b", "a/c/d", "b/x", "é"]
        assert answer.names("Content-Length") == [
            str(len(name)) for name in ("a", "a&<b>", "a/b", "a/c/d", "b/x", "éé"[:2])
        ]
        assert answer.names("BlobType") == ["BlockBlob"] * 6
        assert answer.names("NextMarker") == [""]
        assert b"<Metadata>" not in answer.content
        assert b"<Metadata><name>n</name></Metadata>" in door.list(include="metadata").content

    def test_a_prefix_and_a_delimiter_make_folders(self, door, names):
        answer = door.list(delimiter="/")
        assert answer.names() == ["a", "a&amp;&lt;b&gt;", "a/", "b/", "é"]
        assert answer.content.count(b"<BlobPrefix>") == 2
        assert door.list(prefix="a/", delimiter="/").names() == ["a/b", "a/c/"]
        assert door.list(prefix="a").names() == ["a", "a&amp;&lt;b&gt;", "a/b", "a/c/d"]
        assert door.list(prefix="zzz").names() == []

    @pytest.mark.parametrize("query", [{}, {"delimiter": "/"}, {"prefix": "a", "delimiter": "b"}])
    @pytest.mark.parametrize("size", ["1", "2", "5"])
    def test_pages_are_the_whole_in_pieces(self, door, names, query, size):
        found, marker = [], ""
        while True:
            page = door.list(maxresults=size, marker=marker, **query)
            assert len(page.names()) <= int(size)
            found += page.names()
            [marker] = page.names("NextMarker")
            if not marker:
                break
        assert found == door.list(**query).names()

    @pytest.mark.parametrize(
        ("query", "code"),
        [
            ({"maxresults": "0"}, "OutOfRangeQueryParameterValue"),
            ({"maxresults": "x"}, "OutOfRangeQueryParameterValue"),
            ({"maxresults": "9" * 30}, "OutOfRangeQueryParameterValue"),
            ({"marker": "!"}, "InvalidQueryParameterValue"),
            ({"marker": "/w=="}, "InvalidQueryParameterValue"),
            ({"prefix": "a\0b"}, "InvalidInput"),
            ({"prefix": "x" * 5000}, "InvalidInput"),
        ],
    )
    def test_what_cannot_be_asked_is_refused(self, door, query, code):
        assert door.list(**query).code == code

    def test_names_that_xml_cannot_hold_are_encoded(self, door):
        door.put("odd\ufffe")
        assert b'<Name Encoded="true">odd%EF%BF%BE</Name>' in door.list().content

    def test_a_container_is_there_or_not(self, door):
        assert door.request("GET", restype="container").status == 200
        assert door.request("HEAD", restype="container").status == 200
        gone = door.request("GET", raw="/regista-files-" + "0" * 32, restype="container", comp="list")
        assert (gone.status, gone.code) == (403, "AuthorizationPermissionMismatch")


class TestAddresses:
    def test_the_account_may_stand_before_the_container_or_not(self, door):
        door.put("a b", b"1")
        for raw in (f"/{door.container}/a%20b", f"/acct.blob.x.y/{door.container}/a%20b"):
            assert door.request("GET", raw=raw).content == b"1"

    def test_the_account_may_be_the_host(self, door):
        door.put("a", b"1")
        answer = door.request("GET", "a", headers={"host": "acct.blob.regista.example:8443"})
        assert answer.content == b"1"

    def test_a_container_of_other_servers_is_just_not_there(self, door):
        assert door.request("HEAD", raw="/acct.blob.x/az-ml-artifacts/a/b").status == 404
        assert door.request("GET", raw="/acct.blob.x/$logs", restype="container", comp="list").status == 404

    @pytest.mark.parametrize(
        "name",
        ["..", "../x", "a/../b", "a//b", "/a", "a/", "a\\b", "a\x01b", "a\x00b", "x" * 256, "a/" * 2100 + "b", "./a"],
    )
    def test_names_that_no_file_may_have_are_refused(self, door, name):
        for answer in (door.put(name), door.block(name, "MDAw"), door.blocks(name)):
            assert (answer.status, answer.code) == (400, "InvalidInput")
        for answer in (door.get(name), door.head(name)):
            assert (answer.status, answer.code) == (404, "BlobNotFound")

    def test_a_name_that_is_not_utf8_is_refused(self, door):
        assert door.request("GET", raw=f"/{door.container}/%ff%fe").code == "InvalidUri"
