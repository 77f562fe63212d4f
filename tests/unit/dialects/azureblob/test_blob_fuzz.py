"""Whatever is sent: an answer of the protocol, never a fault of ours, nothing left behind that was not asked for."""

import pytest
from hypothesis import given, strategies as st

from regista.entities.datastore import files_container
from tests.support.blob_door import BlobDoor
from tests.support.houses import People, open_house

METHODS = st.sampled_from(["GET", "HEAD", "PUT", "DELETE", "POST", "PATCH", "OPTIONS"])
TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
VALUE = TEXT | st.sampled_from(
    [
        "list",
        "block",
        "blocklist",
        "metadata",
        "container",
        "*",
        "MDAw",
        "0",
        "-1",
        "1e9",
        "bytes=0-",
        "AAAAAAAAAAAAAAAAAAAAAA==",
    ]
)
QUERY = st.dictionaries(
    st.sampled_from(
        ["comp", "restype", "prefix", "delimiter", "marker", "maxresults", "include", "blockid", "sig", "x"]
    ),
    VALUE,
    max_size=5,
)
LATIN = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=30)
HEADERS = st.dictionaries(
    st.sampled_from(
        "range x-ms-range if-match if-none-match content-md5 x-ms-blob-content-md5 x-ms-blob-type x-ms-blob-content-type "
        "content-type x-ms-meta-a x-ms-meta- x-ms-version x-ms-client-request-id x-ms-date host content-length".split()
    ),
    LATIN | VALUE.filter(lambda text: all(" " <= char < "\x7f" for char in text)),
    max_size=5,
)
AUTHORIZATION = (
    st.none() | LATIN | LATIN.map(lambda text: f"SharedKey {text}") | LATIN.map(lambda text: f"Bearer {text}")
)
BODY = st.binary(max_size=200) | st.sampled_from(
    [b"<BlockList></BlockList>", b"<BlockList><Latest>MDAw</Latest></BlockList>"]
)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with open_house(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture(scope="module")
def door(house):
    people = People(house)
    dev = people.workspace("dev")
    people.version(dev, name="churn")
    ann = people.somebody("ann", data_scientist=dev.path)
    return BlobDoor(house, files_container(dev.id)).signed(ann, "rlwcd")


def check(answer):
    assert answer.status < 500 or answer.status == 501, answer
    assert b"Traceback" not in answer.content
    assert answer.headers["x-ms-version"]
    for name, value in answer.headers.items():
        assert "\n" not in value, name
        assert "\r" not in value, name
    if answer.status >= 400:
        assert answer.code


class TestAnything:
    @given(METHODS, TEXT, BODY, HEADERS, QUERY)
    def test_that_a_caller_sends_is_answered(self, door, method, path, body, headers, query):
        query.pop("sig", None)
        check(door.request(method, path, body, headers, **query))

    @given(METHODS, st.binary(max_size=40), BODY, QUERY)
    def test_that_stands_in_an_address_is_answered(self, door, method, path, body, query):
        query.pop("sig", None)
        raw = f"/{door.container}/" + "".join(
            f"%{byte:02x}" if byte in b"%?#" or byte > 126 or byte < 33 else chr(byte) for byte in path
        )
        check(door.request(method, raw=raw, content=body, **query))

    @given(METHODS, TEXT, HEADERS, QUERY, AUTHORIZATION)
    def test_that_a_stranger_sends_opens_nothing(self, house, door, method, path, headers, query, authorization):
        stranger = BlobDoor(house, door.container)
        given = headers | ({"authorization": authorization} if authorization is not None else {})
        answer = stranger.request(method, path, b"x", given, **query)
        check(answer)
        assert answer.status in {400, 401, 403}

    @given(METHODS, st.sampled_from(["assets/models/churn/1/", "assets/", "azureml/", "", "a"]), TEXT, QUERY)
    def test_that_is_asked_of_shelves_is_answered(self, door, method, folder, path, query):
        query.pop("sig", None)
        answer = door.request(method, folder + path, b"x", **query)
        check(answer)
        if folder.startswith("a") and folder != "a" and method == "PUT":
            assert answer.status >= 400
