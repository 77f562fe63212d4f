"""Reading heads: whatever two parsers could take differently is refused."""

import pytest
from hypothesis import given, strategies as st

from regista.agent.gateway import head
from regista.agent.gateway.faults import Fault

FINE = b"POST /a/b?c=d HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nX-One: 1"

SMUGGLED = {
    "both framings": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked",
    "both framings, the other way": b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 3",
    "two lengths": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4",
    "two equal lengths": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 3",
    "a list of lengths": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3, 3",
    "a signed length": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +3",
    "a negative length": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -3",
    "a hexadecimal length": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x3",
    "an empty length": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length:",
    "a length of foreign digits": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \xb2",
    "an endless length": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + b"9" * 19,
    "two codings": b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked",
    "chunked twice": b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "another coding": b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked",
    "a coding with a tab inside": b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\x0b",
    "chunked in HTTP/1.0": b"POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked",
    "a space before the colon": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length : 3",
    "a folded line": b"POST / HTTP/1.1\r\nHost: h\r\nX: a\r\n b",
    "a bare LF": b"POST / HTTP/1.1\r\nHost: h\r\nX: a\nContent-Length: 3",
    "a bare CR": b"POST / HTTP/1.1\r\nHost: h\r\nX: a\rContent-Length: 3",
    "a NUL": b"POST / HTTP/1.1\r\nHost: h\r\nX: a\x00b",
    "no colon": b"POST / HTTP/1.1\r\nHost: h\r\nX",
    "no name": b"POST / HTTP/1.1\r\nHost: h\r\n: x",
    "no host": b"POST / HTTP/1.1\r\nX: y",
    "two hosts": b"POST / HTTP/1.1\r\nHost: h\r\nHost: i",
    "an absolute target": b"GET http://other/ HTTP/1.1\r\nHost: h",
    "an authority": b"CONNECT other:443 HTTP/1.1\r\nHost: h",
    "an asterisk": b"OPTIONS * HTTP/1.1\r\nHost: h",
    "two spaces": b"GET  / HTTP/1.1\r\nHost: h",
    "a tab": b"GET\t/ HTTP/1.1\r\nHost: h",
    "HTTP/2 in text": b"PRI * HTTP/2.0\r\nHost: h",
    "HTTP/0.9": b"GET /",
    "a lower-case protocol": b"GET / http/1.1\r\nHost: h",
    "dots": b"GET /endpoints/a/b/../c/score HTTP/1.1\r\nHost: h",
    "a dot": b"GET /endpoints/a/./b HTTP/1.1\r\nHost: h",
    "encoded dots": b"GET /endpoints/a/%2e%2E/c HTTP/1.1\r\nHost: h",
    "an encoded slash": b"GET /endpoints/a%2fb HTTP/1.1\r\nHost: h",
    "an encoded backslash": b"GET /endpoints/a%5Cb HTTP/1.1\r\nHost: h",
    "an encoded NUL": b"GET /endpoints/a%00b HTTP/1.1\r\nHost: h",
    "a half escape": b"GET /endpoints/a%2 HTTP/1.1\r\nHost: h",
    "two slashes": b"GET //endpoints/a HTTP/1.1\r\nHost: h",
    "a backslash": b"GET /endpoints\\a HTTP/1.1\r\nHost: h",
    "a fragment": b"GET /a#b HTTP/1.1\r\nHost: h",
    "eight-bit bytes in the path": b"GET /\xff HTTP/1.1\r\nHost: h",
}


def test_a_plain_request_is_read() -> None:
    read = head.request(FINE)
    assert (read.method, read.path, read.query, read.length, read.chunked) == (b"POST", b"/a/b", b"c=d", 3, False)
    assert read.get(b"x-one") == b"1"
    assert read.keeps_alive


@pytest.mark.parametrize("sent", SMUGGLED.values(), ids=SMUGGLED.keys())
def test_what_could_be_read_in_two_ways_is_refused_each_time(sent: bytes) -> None:
    for _ in range(2):
        with pytest.raises(Fault) as refused:
            head.request(sent)
        assert refused.value.status == 400


def test_a_head_that_is_known_is_not_another_with_the_same_start() -> None:
    first, again = head.request(FINE), head.request(bytes(FINE))
    assert first is again
    assert head.request(FINE + b"2").get(b"x-one") == b"12"


def test_a_long_head_is_not_remembered() -> None:
    long = FINE + b"\r\nX-Long: " + b"y" * head.SHORT
    assert head.request(long) is not head.request(long)
    assert head.request(long).fields == head.request(long).fields


def test_a_hundred_headers_are_enough() -> None:
    fields = b"".join(b"\r\nX-%d: y" % number for number in range(99))
    assert len(head.request(b"GET / HTTP/1.1\r\nHost: h" + fields).fields) == 100
    with pytest.raises(Fault) as refused:
        head.request(b"GET / HTTP/1.1\r\nHost: h" + fields + b"\r\nOne: more")
    assert refused.value.status == 431


def test_a_long_request_line_is_refused_as_such() -> None:
    with pytest.raises(Fault) as refused:
        head.request(b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: h")
    assert refused.value.status == 414


def test_what_concerns_one_connection_goes_no_further() -> None:
    sent = b"POST / HTTP/1.1\r\nHost: h\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nUpgrade: x\r\nContent-Length: 1\r\nAuthorization: Bearer k\r\nX-Ours: 2"
    read = head.request(sent)
    assert read.end_to_end(head.HOP_BY_HOP | {b"authorization"}) == [(b"host", b"h"), (b"x-ours", b"2")]
    assert not read.keeps_alive


def test_http_1_0_closes_unless_asked_to_stay() -> None:
    assert not head.request(b"GET / HTTP/1.0").keeps_alive
    assert head.request(b"GET / HTTP/1.0\r\nConnection: Keep-Alive").keeps_alive


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 20 OK",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked",
        b"nonsense",
        b"HTTP/1.1 200 a\x00b",
    ],
)
def test_a_worker_that_answers_nonsense_is_a_bad_gateway(sent: bytes) -> None:
    with pytest.raises(Fault) as refused:
        head.answer(sent)
    assert refused.value.status == 502


def test_a_status_needs_no_reason() -> None:
    assert head.answer(b"HTTP/1.1 200").status == 200


@given(st.binary(max_size=200))
def test_no_bytes_break_the_parser(sent: bytes) -> None:
    for start in (b"", b"GET / HTTP/1.1\r\n", FINE + b"\r\n"):
        try:
            read = head.request(start + sent)
        except Fault as fault:
            assert fault.status in (400, 414, 431)  # noqa: PT017 - either way is right, if it is one of these
        else:
            assert b"\n" not in head.lines(b"", read.end_to_end()).replace(b"\r\n", b"")
            assert not (read.chunked and read.length is not None)
