import logging
import socket
import ssl
import threading
import time
import traceback
from contextlib import suppress

import msgspec
import pytest

from regista.client.patience import _wish
from regista.client.problems import error_of
from regista.client.transport import Transport
from regista.errors import (
    ERRORS,
    ConflictError,
    DigestMismatchError,
    ErrorCode,
    ForbiddenError,
    InternalError,
    InvalidError,
    NotFoundError,
    RegistaError,
    UnauthenticatedError,
    UnavailableError,
)
from tests.support.authority import make_certificates
from tests.support.blob_server import KEY, BlobServer, Fault

MISSING = "/api/v1/workspaces/dev/blobs/missing"
UPLOADS = "/api/v1/workspaces/dev/uploads"
PLACE = "registries/acme/models/m/versions/1"


class Missing(msgspec.Struct):
    missing: list[str]


def ask(transport, **options):
    return transport.call("POST", MISSING, body={"blobs": []}, type=Missing, **options)


class TestCalls:
    def test_an_answer_comes_as_the_type_that_was_asked_for(self, transport):
        assert ask(transport) == Missing([])

    def test_without_a_type_the_answer_is_of_no_interest(self, transport):
        assert transport.call("POST", MISSING, body={"blobs": []}) is None

    def test_query_values_are_quoted_and_those_that_are_none_left_out(self, server, transport):
        with pytest.raises(NotFoundError):
            transport.call("GET", "/api/v1/x", query={"a": "b&c d/é", "none": None, "list": [1, 2], "flag": True})
        assert server.requests == [("GET", "/api/v1/x?a=b%26c+d%2F%C3%A9&list=1&list=2&flag=true")]

    def test_an_answer_of_another_shape_is_a_fault_and_says_where(self, transport):
        with pytest.raises(InternalError, match=r"blobs/missing.*Expected `array`"):
            transport.call("POST", MISSING, body={"blobs": []}, type=list[int])

    def test_the_connection_is_kept_for_the_next_call(self, server, transport, monkeypatch):
        greeted = []
        original = server._server.get_request
        monkeypatch.setattr(server._server, "get_request", lambda: greeted.append(1) or original())
        for _ in range(5):
            ask(transport)
        assert len(greeted) == 1

    def test_threads_may_share_it(self, server, transport):
        failures = []

        def work():
            try:
                for _ in range(20):
                    ask(transport)
            except RegistaError as failure:
                failures.append(failure)

        threads = [threading.Thread(target=work) for _ in range(8)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert failures == []
        assert server.asked("POST", "missing") == 160


class TestRepetition:
    @pytest.mark.parametrize("status", [429, 502, 503, 504])
    def test_what_may_be_repeated_is_repeated(self, server, transport, status):
        server.faults.append(Fault("GET", "/uploads/", "status", times=3, status=status))
        with pytest.raises(NotFoundError):
            transport.call("GET", f"{UPLOADS}/abc")
        assert len(server.requests) == 4

    def test_what_may_not_be_repeated_is_sent_once(self, server, transport):
        ask(transport)
        server.faults.append(Fault("POST", "missing", "status", times=3))
        with pytest.raises(UnavailableError):
            ask(transport)
        server.faults[:] = [Fault("POST", "missing", "lose")]
        with pytest.raises(UnavailableError, match="broke off"):
            ask(transport)
        assert len(server.requests) == 3

    def test_a_call_that_says_so_is_repeated(self, server, transport):
        server.faults += [Fault("POST", "missing", "status"), Fault("POST", "missing", "lose")]
        assert ask(transport, idempotent=True) == Missing([])

    @pytest.mark.parametrize("status", [400, 401, 404, 500, 501, 507])
    def test_other_statuses_are_final(self, server, transport, status):
        server.faults.append(Fault("GET", "/uploads/", "status", times=9, status=status))
        with pytest.raises(RegistaError):
            transport.call("GET", f"{UPLOADS}/abc")
        assert len(server.requests) == 1

    def test_the_servers_wish_for_a_pause_is_honoured(self, server, transport):
        server.faults.append(Fault("GET", "/uploads/", "status", headers={"Retry-After": "1"}))
        started = time.monotonic()
        with pytest.raises(NotFoundError):
            transport.call("GET", f"{UPLOADS}/abc")
        assert 0.9 < time.monotonic() - started < 30

    @pytest.mark.parametrize(
        ("header", "least", "most"),
        [("7", 7, 7), ("", 0, 0), ("soon", 0, 0), ("-5", 0, 0), ("999999", 60, 60), ("1e3", 0, 0),
         ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0), ("Wed, 21 Oct 2099 07:28:00 GMT", 60, 60)],
    )  # fmt: skip
    def test_wishes_are_read_as_seconds_or_dates_within_reason(self, header, least, most):
        assert least <= _wish(header) <= most

    def test_attempts_come_to_an_end(self, server):
        transport = Transport(server.url, KEY, ca=server.ca, attempts=3, pause=0.001)
        server.faults.append(Fault("GET", "/uploads/", "status", times=99))
        with pytest.raises(UnavailableError, match="503"):
            transport.call("GET", f"{UPLOADS}/abc")
        assert len(server.requests) == 3


class TestErrors:
    @pytest.mark.parametrize("code", ERRORS)
    def test_every_code_becomes_its_class(self, code):
        body = {"type": "x", "title": "t", "status": 400, "detail": "the thing", "code": code, "hint": "do it"}
        error = error_of("https://h", 400, msgspec.json.encode(body))
        assert type(error) is ERRORS[code]
        assert error.message == str(error) == "the thing"
        assert error.hint == "do it"

    def test_a_digest_mismatch_keeps_both_digests(self):
        one, two = "sha256:" + "1" * 64, "sha256:" + "2" * 64
        body = {"detail": f"expected {one}, received {two}", "code": ErrorCode.DIGEST_MISMATCH}
        error = error_of("https://h", 400, msgspec.json.encode(body))
        assert isinstance(error, DigestMismatchError)
        assert (error.expected, error.actual) == (one, two)

    def test_a_fault_of_the_server_names_the_request(self):
        body = {"detail": "failed", "code": "internal", "request_id": "r-77"}
        assert "r-77" in error_of("https://h", 500, msgspec.json.encode(body)).hint

    @pytest.mark.parametrize(
        "body", [b"", b"<html>", b"[]", b'{"code": 5}', b'{"code": "new_code", "detail": "x"}', b"\xff\xfe", b'"x"']
    )
    @pytest.mark.parametrize(
        ("status", "kind"),
        [(500, InternalError), (404, InternalError), (401, UnauthenticatedError), (503, UnavailableError)],
    )
    def test_what_is_no_problem_document_gets_a_clear_error(self, body, status, kind):
        error = error_of("https://h", status, body)
        assert type(error) is kind
        assert "https://h" in error.message
        assert error.hint

    def test_a_redirect_is_not_followed(self, server, transport):
        elsewhere = {"Location": server.url + MISSING}
        server.faults.append(Fault("GET", "/uploads/", "status", status=307, headers=elsewhere))
        with pytest.raises(InternalError, match="elsewhere"):
            transport.call("GET", f"{UPLOADS}/abc")
        assert len(server.requests) == 1

    def test_nobody_at_the_address_is_said_at_once(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            url = f"https://127.0.0.1:{free.getsockname()[1]}"
        started = time.monotonic()
        with pytest.raises(UnavailableError, match=f"no Regista server answers at {url}") as refusal:
            Transport(url, KEY).call("GET", "/x")
        assert refusal.value.hint == "Start one with `regista up`."
        assert time.monotonic() - started < 8

    def test_an_unknown_name_is_said_to_be_unknown(self):
        with pytest.raises(UnavailableError, match="not known"):
            Transport("https://no-such-host.invalid", KEY).call("GET", "/x")

    def test_a_server_that_never_answers_is_not_waited_for_forever(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            transport = Transport(f"http://127.0.0.1:{silent.getsockname()[1]}", KEY, timeout=0.2)
            with pytest.raises(UnavailableError, match="in time"):
                transport.call("GET", "/x")


class TestTls:
    def test_a_server_that_nobody_known_vouches_for_is_refused(self, server):
        with pytest.raises(UnavailableError, match="not trusted") as refusal:
            ask(Transport(server.url, KEY))
        assert "authority" in refusal.value.hint
        assert server.requests == []

    def test_another_authority_does_not_help(self, server, tmp_path):
        other = make_certificates(tmp_path)
        with pytest.raises(UnavailableError, match="not trusted"):
            ask(Transport(server.url, KEY, ca=other.ca))

    def test_a_certificate_for_another_name_is_refused(self, server):
        # The whole of 127/8 is this machine, and the certificate is for 127.0.0.1 alone.
        with socket.create_server(("127.0.0.2", 0)) as door:
            port = door.getsockname()[1]
            threading.Thread(target=self.pass_on, args=(door, server._server.server_address), daemon=True).start()
            with pytest.raises(UnavailableError, match="not trusted"):
                ask(Transport(f"https://127.0.0.2:{port}", KEY, ca=server.ca))

    def pass_on(self, door, address):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.files.certificate, self.files.key)
        connection, _ = door.accept()
        with connection, suppress(ssl.SSLError):
            context.wrap_socket(connection, server_side=True)

    @pytest.fixture(autouse=True)
    def keep_files(self, server):
        self.files = server.certificates

    def test_an_expired_certificate_is_refused(self, tmp_path):
        with BlobServer(tmp_path, days=-1) as old, pytest.raises(UnavailableError, match="expired"):
            ask(Transport(old.url, KEY, ca=old.ca))

    def test_who_speaks_plainly_to_a_server_with_tls_is_told_so(self, server):
        with pytest.raises(UnavailableError) as refusal:
            Transport(server.url.replace("https:", "http:"), KEY).call("GET", "/x")
        assert "https" in refusal.value.hint

    def test_a_server_without_tls_is_recognised(self):
        with socket.create_server(("127.0.0.1", 0)) as plain:
            threading.Thread(target=self.speak_plainly, args=(plain,), daemon=True).start()
            with pytest.raises(UnavailableError, match="TLS"):
                Transport(f"https://127.0.0.1:{plain.getsockname()[1]}", KEY).call("GET", "/x")

    def speak_plainly(self, listening):
        connection, _ = listening.accept()
        with connection:
            connection.recv(100)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.recv(100)

    def test_a_missing_or_wrong_authority_file_is_named(self, tmp_path):
        (tmp_path / "wrong").write_text("no certificate")
        for name in ("absent", "wrong"):
            with pytest.raises(InvalidError, match=name):
                Transport("https://h", KEY, ca=tmp_path / name)


class TestAddress:
    @pytest.mark.parametrize(
        "url", ["", "127.0.0.1:1", "ftp://h", "https://", "https://h?x=1", "https://h#x", "https://[::1", "x" * 9999]
    )
    def test_what_is_no_address_is_refused(self, url):
        with pytest.raises(InvalidError):
            Transport(url, KEY)

    def test_a_key_does_not_travel_unencrypted(self):
        with pytest.raises(InvalidError, match="not encrypted"):
            Transport("http://example.org", KEY)
        Transport("http://localhost:1", KEY)

    def test_a_path_before_the_api_is_kept(self, server):
        transport = Transport(server.url + "/behind/", KEY, ca=server.ca)
        with pytest.raises(NotFoundError):
            transport.call("GET", "/api/v1/x")
        assert server.requests == [("GET", "/behind/api/v1/x")]


class TestKey:
    def test_it_is_in_no_text_about_the_transport(self, transport):
        assert KEY not in repr(transport) + str(transport)

    def test_a_server_that_repeats_it_does_not_get_it_onto_the_screen(self, server, transport):
        server.faults.append(Fault("GET", "/uploads/", "echo"))
        with pytest.raises(ForbiddenError) as refusal:
            transport.call("GET", f"{UPLOADS}/abc")
        text = "".join(traceback.format_exception(refusal.value)) + refusal.value.message + repr(refusal.value)
        assert KEY not in text
        assert "[key]" in text

    def test_it_is_in_no_log_and_no_error_when_the_connection_breaks(self, server, transport, caplog):
        caplog.set_level(logging.DEBUG)
        server.faults.append(Fault("GET", "/uploads/", "lose", times=9))
        with pytest.raises((UnavailableError, NotFoundError)) as refusal:
            transport.call("GET", f"{UPLOADS}/abc")
        assert caplog.text
        assert KEY not in caplog.text + "".join(traceback.format_exception(refusal.value))

    @pytest.mark.parametrize("key", ["a\nb", "a\r\nX: y", "kéy", "\x00"])
    def test_one_that_would_break_the_header_is_refused_without_being_shown(self, key):
        with pytest.raises(InvalidError) as refusal:
            Transport("https://h", key)
        assert key not in str(refusal.value)

    def test_one_inside_the_address_is_refused_without_being_shown(self):
        with pytest.raises(InvalidError) as refusal:
            Transport("https://me:secret@h", KEY)
        assert "secret" not in str(refusal.value)


class TestStreams:
    def test_bytes_go_up_and_are_read_anew_for_a_repetition(self, server, transport):
        opened = []

        def content():
            opened.append(1)
            return iter([b"ab", b"cd"])

        server.faults.append(Fault("PUT", "/blobs/", "cut", after=1))
        digest = "88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589"
        transport.stream_up("PUT", f"/api/v1/workspaces/dev/blobs/sha256:{digest}", content, 4)
        assert server.holds(b"abcd")
        assert len(opened) == 2

    def test_an_error_of_the_reader_comes_out(self, transport):
        def content():
            yield b"a"
            raise ConflictError("the file changed")

        with pytest.raises(ConflictError, match="the file changed"):
            transport.stream_up("PUT", "/api/v1/workspaces/dev/blobs/sha256:" + "0" * 64, content, 4)

    @pytest.mark.parametrize(("start", "end"), [(0, None), (0, 10), (3, 7), (9, 10), (4, None)])
    def test_any_range_comes_down(self, server, transport, start, end):
        server.offer(PLACE, {"a": b"0123456789"})
        chunks = transport.stream_down(f"/api/v1/{PLACE}/files/a", start, end)
        assert b"".join(chunks) == b"0123456789"[start:end]

    def test_a_cut_stream_goes_on_where_it_was_cut(self, server, transport):
        server.offer(PLACE, {"a": b"0123456789"})
        server.faults.append(Fault("GET", "/files/a", "cut", after=3, times=2))
        assert b"".join(transport.stream_down(f"/api/v1/{PLACE}/files/a", 1, 9)) == b"12345678"
        assert server.asked("GET", "/files/a") == 3

    def test_a_stream_that_makes_no_headway_ends(self, server, transport):
        server.offer(PLACE, {"a": b"0123456789"})
        server.faults.append(Fault("GET", "/files/a", "cut", after=0, times=99))
        with pytest.raises(UnavailableError):
            list(transport.stream_down(f"/api/v1/{PLACE}/files/a", 0, 10))
        assert server.asked("GET", "/files/a") == 6

    def test_a_stream_that_is_given_up_leaves_the_pool_usable(self, server, transport):
        server.offer(PLACE, {"a": b"x" * 9_000_000})
        stream = transport.stream_down(f"/api/v1/{PLACE}/files/a")
        next(stream)
        stream.close()
        assert ask(transport) == Missing([])
