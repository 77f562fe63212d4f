"""Whatever goes wrong is told as Azure Resource Manager tells it: JSON, with a code and a message."""

import pytest

from regista.dialects.azureml.errors import ANSWER, answer, encoded
from regista.errors import ErrorCode, NotFoundError, UnauthenticatedError, UnavailableError, UnsupportedError


def test_every_error_of_ours_has_an_answer():
    assert set(ANSWER) == set(ErrorCode)


def test_the_hint_is_part_of_the_message():
    said = answer(NotFoundError("there is no x", hint="Make one."), "r")
    assert (said.status, said.body["error"]["code"]) == (404, "ResourceNotFound")
    assert said.body["error"]["message"] == "there is no x. Make one."
    assert {"target", "details", "additionalInfo"} < set(said.body["error"])


def test_what_is_not_served_is_not_asked_for_again():
    assert answer(UnsupportedError("no"), "r").status == 501, "the SDK repeats 500, 502, 503 and 504"


def test_who_is_to_come_again_is_told_when():
    assert ("retry-after", "1") in answer(UnavailableError("busy"), "r").headers
    assert answer(UnauthenticatedError("who?"), "r").headers[0][0] == "www-authenticate"


def test_a_fault_of_ours_is_told_by_its_number_alone(caplog):
    said = answer(RuntimeError("the password is swordfish"), "r-17")
    assert said.status == 500
    assert b"r-17" in encoded(said)
    assert b"swordfish" not in encoded(said)
    assert "swordfish" in caplog.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/subscriptions/default/nothing", 404),
        ("DELETE", "/metadata/endpoints", 405),
        ("GET", "/subscriptions/default/resourceGroups/default/providers/Microsoft.Storage/storageAccounts/a", 404),
    ],
)
def test_what_is_not_there_is_told_in_json(door, method, path, status):
    said = door.send(method, path)
    assert said.status == status
    assert said.headers["content-type"] == "application/json"
    assert said.error


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"', b"\xff\xfe", b"[" * 100_000, b'{"properties": 3}', b"null"])
def test_a_body_that_cannot_be_read_is_the_callers_fault(door, body):
    said = door.request("PUT", door.workspace("made"), body)
    assert said.status == 400
    assert said.error.startswith("UserError: ")


def test_nobody_without_a_key(door):
    said = door.by("").send("GET", door.workspace("dev"))
    assert said.status == 401
    assert "regista connect azureml" in said.error
