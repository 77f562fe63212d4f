"""Downloading: over TLS only, from public hosts only, whole or not at all."""

import http.server
import ssl
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from regista.bootstrap.certificates import ensure_certificates
from regista.drivers.downloads.https import HttpsDownloads
from regista.errors import InvalidError, NotFoundError, RegistaError, TooLargeError, UnavailableError


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        match self.path.split("?")[0]:
            case "/file.csv":
                self.answer(200, b"a,b\n", length=4)
            case "/cut":
                self.answer(200, b"half", length=8)
            case "/moved":
                self.answer(302, b"", location="/file.csv")
            case "/inside":
                self.answer(302, b"", location="http://127.0.0.1/secret")
            case "/loop":
                self.answer(302, b"", location="/loop")
            case "/busy":
                self.answer(503, b"")
            case _:
                self.answer(404, b"")

    def answer(self, status, body, *, length=0, location=""):
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    ca, certificate, key = ensure_certificates(tmp_path_factory.mktemp("tls"), ("localhost",))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"https://localhost:{server.server_address[1]}", ssl.create_default_context(cafile=str(ca))
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def downloads(server):
    return HttpsDownloads(allow_private=True, context=server[1], timeout=5)


class TestFetch:
    @pytest.mark.parametrize("path", ["/file.csv", "/file.csv?signature=s", "/moved"])
    def test_a_file_comes_whole(self, server, downloads, tmp_path, path):
        downloads.fetch(server[0] + path, tmp_path / "f")
        assert (tmp_path / "f").read_text() == "a,b\n"

    @pytest.mark.parametrize(
        ("path", "error"),
        [
            ("/nothing", NotFoundError),
            ("/cut", UnavailableError),
            ("/busy", UnavailableError),
            ("/loop", InvalidError),
            ("/inside", InvalidError),
        ],
    )
    def test_anything_else_is_an_error(self, server, downloads, tmp_path, path, error):
        with pytest.raises(error):
            downloads.fetch(server[0] + path, tmp_path / "f")

    def test_what_is_too_large_is_cut_off(self, server, tmp_path):
        with pytest.raises(TooLargeError):
            HttpsDownloads(allow_private=True, context=server[1], most_bytes=3).fetch(
                server[0] + "/file.csv", tmp_path / "f"
            )

    def test_a_certificate_of_nobody_known_is_refused(self, server, tmp_path):
        with pytest.raises(UnavailableError, match=r"(?i)certificate"):
            HttpsDownloads(allow_private=True).fetch(server[0] + "/file.csv", tmp_path / "f")

    def test_a_signature_in_the_url_is_not_repeated(self, server, downloads, tmp_path):
        with pytest.raises(RegistaError) as wrong:
            downloads.fetch(server[0] + "/nothing?sig=TOPSECRET", tmp_path / "f")
        assert "TOPSECRET" not in wrong.value.message

    @pytest.mark.parametrize("path", ["/nothing", "/cut", "/loop", "/file.csv"])
    def test_a_failure_that_is_kept_keeps_no_connection(self, server, tmp_path, path):
        before = _sockets()
        with pytest.raises(RegistaError) as kept:
            HttpsDownloads(allow_private=True, context=server[1], most_bytes=3).fetch(server[0] + path, tmp_path / "f")
        end = time.monotonic() + 10
        while _sockets() - before and time.monotonic() < end:  # the server closes its end a little later
            time.sleep(0.01)
        assert not _sockets() - before
        assert kept.value.message


def _sockets():
    """The sockets that this process has open."""
    found = set()
    for one in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            found.add(str(one.readlink()))
    return {name for name in found if name.startswith("socket:")}


class TestPrivateHosts:
    @pytest.mark.parametrize(
        "host", ["localhost", "127.0.0.1", "[::1]", "10.1.2.3", "169.254.169.254", "[::ffff:127.0.0.1]", "[fd00::1]"]
    )
    def test_hosts_of_the_own_network_are_refused_without_a_word_to_them(self, host, tmp_path):
        with pytest.raises(InvalidError, match="not public"):
            HttpsDownloads(timeout=1).fetch(f"https://{host}:1/x", tmp_path / "f")

    @pytest.mark.parametrize(
        "url", ["http://example.org/x", "https:///x", "https://user:pw@example.org/", "file:///etc/passwd"]
    )
    def test_other_urls_are_refused(self, url, tmp_path):
        with pytest.raises(InvalidError) as wrong:
            HttpsDownloads().fetch(url, tmp_path / "f")
        assert "pw" not in wrong.value.message
