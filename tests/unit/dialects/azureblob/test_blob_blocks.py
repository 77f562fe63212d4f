"""Blobs that come in blocks."""

import base64
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from regista.bootstrap.house import build_house
from regista.bootstrap.settings import Settings
from regista.services.scopes.stores import StoreService
from tests.support.bare_store import BareStore
from tests.support.blob_door import BlobDoor


def name(number):
    return base64.b64encode(f"{number:032d}".encode()).decode()


@pytest.fixture(params=["joined", "appended"])
def store(request, monkeypatch):
    """Both ways of putting a file together: in a store that joins pieces, and in one that does not."""
    if request.param == "appended":
        opened = StoreService._opened_at
        monkeypatch.setattr(StoreService, "_opened_at", lambda self, url: BareStore(opened(self, url)))


@pytest.mark.usefixtures("store")
class TestBlocks:
    def test_blocks_that_come_side_by_side_make_a_blob_in_the_order_of_the_list(self, door):
        contents = [bytes([n]) * 100_000 for n in range(16)]
        with ThreadPoolExecutor(16) as pool:
            statuses = list(pool.map(lambda n: door.block("a", name(n), contents[n]).status, range(16)))
        assert statuses == [201] * 16
        assert door.head("a").status == 404
        order = [*range(15, -1, -1), 3, 3]
        put = door.blocks("a", *map(name, order), x_ms_blob_content_type="text/x", x_ms_meta_name="n")
        assert put.status == 201
        assert door.get("a").content == b"".join(contents[n] for n in order)
        head = door.head("a").headers
        assert (head["etag"], head["content-type"], head["x-ms-meta-name"]) == (put.headers["etag"], "text/x", "n")

    def test_nothing_is_left_of_the_blocks(self, door, tmp_path):
        door.block("a", name(1), b"1" * 1000)
        door.block("a", name(2), b"2" * 1000)
        assert door.blocks("a", name(1)).status == 201
        staged = door.request("GET", "a", comp="blocklist")
        assert staged.names("Size") == []
        assert door.blocks("a", name(2)).code == "InvalidBlockList"

    def test_staged_blocks_can_be_looked_at(self, door):
        door.block("a", name(1), b"12345")
        assert door.request("GET", "a", comp="blocklist").names("Size") == ["5"]

    def test_a_block_sent_again_replaces_the_earlier_one(self, door):
        door.block("a", name(1), b"old")
        door.block("a", name(1), b"new!")
        door.blocks("a", name(1))
        assert door.get("a").content == b"new!"

    def test_a_list_sent_again_is_answered_again(self, door):
        door.block("a", name(1), b"1")
        first = door.blocks("a", name(1), if_none_match="*")
        again = door.blocks("a", name(1), if_none_match="*")
        assert (first.status, again.status, again.headers["etag"]) == (201, 201, first.headers["etag"])
        assert door.blocks("a", name(1), name(1)).code == "InvalidBlockList"
        door.block("a", name(1), b"2")
        assert door.blocks("a", name(1), if_none_match="*").code == "BlobAlreadyExists"
        assert door.blocks("a", name(1)).status == 201
        assert door.get("a").content == b"2"

    def test_lists_that_come_at_once_put_the_blob_together_once(self, door):
        door.block("a", name(1), os.urandom(2_000_000))
        start = threading.Barrier(4)

        def send(_):
            start.wait()
            return door.blocks("a", name(1), if_none_match="*")

        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(send, range(4)))
        assert [one.status for one in answers] == [201] * 4
        assert len({one.headers["etag"] for one in answers}) == 1

    def test_an_empty_list_makes_an_empty_blob(self, door):
        assert door.blocks("a").status == 201
        assert door.get("a").content == b""
        assert door.request("PUT", "b", b"<BlockList/>", comp="blocklist").status == 201

    def test_a_missing_block_leaves_everything_as_it_was(self, door):
        door.put("a", b"old")
        door.block("a", name(1), b"1")
        answer = door.blocks("a", name(1), name(2))
        assert (answer.status, answer.code) == (400, "InvalidBlockList")
        assert door.get("a").content == b"old"
        assert door.blocks("a", name(1)).status == 201

    def test_a_block_that_ends_early_is_not_there(self, door, tmp_path):
        assert door.request("PUT", "a", b"x" * 2_000_000, comp="block", blockid=name(1), cut=True).status == 0
        assert door.blocks("a", name(1)).code == "InvalidBlockList"
        assert not list((tmp_path / "stores" / "default" / "uploads").iterdir())

    def test_the_md5_of_a_block_is_checked(self, door):
        wrong = base64.b64encode(b"0" * 16).decode()
        answer = door.request("PUT", "a", b"1", {"content-md5": wrong}, comp="block", blockid=name(1))
        assert answer.code == "Md5Mismatch"
        assert door.blocks("a", name(1)).code == "InvalidBlockList"

    def test_each_caller_has_blocks_of_its_own(self, door, people, dev):
        bob = door.signed(people.somebody("bob", data_scientist=dev.path), "rlwc")
        door.block("a", name(1), b"ann's")
        bob.block("a", name(1), b"bob's")
        assert bob.blocks("a", name(1)).status == 201
        assert door.get("a").content == b"bob's"
        assert door.blocks("a", name(1)).status == 201
        assert door.get("a").content == b"ann's"

    def test_a_restart_of_the_server_loses_no_block(self, people, door, tmp_path):
        door.block("a", name(1), b"1")
        settings = Settings(home=tmp_path, catalog="sqlite://", store=f"file://{tmp_path}/stores/default")
        again = build_house(settings, people.house.catalog)
        assert BlobDoor(again, door.container, query=door._query).blocks("a", name(1)).status == 201
        assert door.get("a").content == b"1"


def test_blocks_from_before_the_machine_started_are_not_trusted(door, tmp_path):
    door.block("a", name(1), b"1")
    [piece] = (tmp_path / "stores" / "default" / "uploads").iterdir()
    before = psutil.boot_time() - 1
    os.utime(piece, (before, before))
    assert door.blocks("a", name(1)).code == "InvalidBlockList"


class TestHostileLists:
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"nonsense",
            b"<BlockList>",
            b"<BlockList></BlockList><BlockList></BlockList>",
            b"<BlockList><Latest>MDAw</Uncommitted></BlockList>",
            b"<BlockList><Latest>MD<!-- -->Aw</Latest></BlockList>",
            b"<BlockList><Latest>&lol;</Latest></BlockList>",
            b"<BlockList><Newest>MDAw</Newest></BlockList>",
            b"<BlockList>text</BlockList>",
            b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY lol "lol">]><BlockList><Latest>MDAw</Latest></BlockList>',
            b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><BlockList></BlockList>',
            "<BlockList><Latest>MDAw</Latest></BlockList>".encode("utf-16"),
            b"\xff\xfe\x00",
            b"<BlockList>" * 10_000,
        ],
    )
    def test_what_is_no_list_is_refused(self, door, body):
        answer = door.request("PUT", "a", body, comp="blocklist")
        assert (answer.status, answer.code) == (400, "InvalidXmlDocument")

    def test_blocks_of_a_finished_blob_are_not_kept(self, door):
        body = b"<BlockList><Committed>MDAw</Committed></BlockList>"
        assert door.request("PUT", "a", body, comp="blocklist").code == "InvalidBlockList"

    def test_a_list_that_is_too_long_is_refused(self, door):
        many = door.blocks("a", *["MDAw"] * 50_001)
        assert (many.status, many.code) == (413, "RequestBodyTooLarge")
        giant = door.request("PUT", "a", [b" " * 65_536] * 200, comp="blocklist")
        assert (giant.status, giant.code) == (413, "RequestBodyTooLarge")

    @pytest.mark.parametrize("block", ["", "!", "MDA", "é", base64.b64encode(b"x" * 65).decode(), "../../x"])
    def test_what_is_no_id_of_a_block_is_refused(self, door, block):
        assert door.block("a", block).code == "InvalidBlobOrBlock"
