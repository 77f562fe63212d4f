"""What uv says, and which error of ours it is."""

import pytest

from regista.drivers.runtimes.uv.failures import translated
from regista.drivers.runtimes.uv.interpreters import fits, numbers
from regista.errors import ErrorCode

UNRESOLVED = (
    "error: No solution found when resolving dependencies\n  cause: Because x was not found in the package registry"
)
REFUSED = "error: Request failed after 3 retries in 1s\n  cause: Failed to fetch: https://me:s3cret@host/simple/x/"
OFFLINE_BUILD = "error: Failed to build `x==1`\n  cause: error sending request for url (https://host/x)"


@pytest.mark.parametrize(
    ("messages", "code", "expected"),
    [
        (UNRESOLVED, 1, ErrorCode.INVALID),
        ("error: Failed to build `x==1.0`\n  cause: The build backend returned an error", 1, ErrorCode.INVALID),
        ("error: Hash mismatch for `x==1`", 1, ErrorCode.INVALID),
        (REFUSED, 2, ErrorCode.UNAVAILABLE),
        (OFFLINE_BUILD, 1, ErrorCode.UNAVAILABLE),
        ("error: HTTP status client error (401 Unauthorized) for url (https://host/x)", 2, ErrorCode.UNAVAILABLE),
        ("", -9, ErrorCode.UNAVAILABLE),
        ("error: failed to write\n  cause: No space left on device (os error 28)", 2, ErrorCode.STORAGE_FULL),
        ("error: something new", 2, ErrorCode.INTERNAL),
        ("", 2, ErrorCode.INTERNAL),
    ],
)
def test_a_message_becomes_an_error(messages, code, expected):
    error = translated(messages, code)
    assert error.code is expected
    assert error.hint
    assert "s3cret" not in error.message


def test_the_last_lines_are_kept_and_warnings_are_not():
    message = translated("warning: Failed to inspect Python\n" + UNRESOLVED, 1).message
    assert "x was not found" in message
    assert "inspect" not in message


@pytest.mark.parametrize(
    ("version", "wanted", "answer"),
    [
        ("3.11.7", None, True), ("3.11.7", "3.11", True), ("3.11.7", "3.1", False), ("3.11.7", "3.11.7", True),
        ("3.11.7", "3.11.4", False), ("3.11.7", ">=3.9,<3.12", True), ("3.12.1", ">=3.9,<3.12", False),
        ("3.11.7", ">=3.12", False), ("3.11.7", "!=3.11.*", False), ("3.11.7", "~=3.9", True), ("3.11.7", "~=3.11.0", True),
        ("3.12.1", "~=3.11.0", False), ("3.11.7", "<=3.11", False), ("3.11.0", "<=3.11", True), ("3.11.7", ">3.11.6", True),
        ("3.11.7", "nonsense", False),
    ],
)  # fmt: skip
def test_an_interpreter_fits_a_wish(version, wanted, answer):
    assert fits(numbers(version), wanted) is answer
