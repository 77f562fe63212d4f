"""What whoever sends messages outside has to do."""

import pytest

from regista.errors import InvalidError
from regista.interfaces.posting import Poster


class PosterContract:
    """A subclass gives ``poster``, which may reach this machine, ``strict``, which may not, and ``url``: that of a receiver
    there which answers with the status that the last part of the path says, and the body that it was sent."""

    @pytest.fixture
    def poster(self) -> Poster:
        """The poster under test."""
        raise NotImplementedError

    @pytest.fixture
    def strict(self) -> Poster:
        """The same, for public hosts alone."""
        raise NotImplementedError

    @pytest.fixture
    def url(self) -> str:
        """Where the receiver is, ending in a slash."""
        raise NotImplementedError

    @pytest.mark.parametrize("status", [200, 204, 302, 400, 404, 429, 500])
    def test_the_status_is_told_and_nothing_is_followed(self, poster: Poster, url: str, status: int) -> None:
        sent = poster.post(f"{url}{status}", {"X-A": "b"}, b'{"a": 1}')
        assert sent.status == status
        assert sent.is_good is (status < 300)
        assert not sent.error

    def test_the_body_arrives_and_the_answer_comes_back(self, poster: Poster, url: str) -> None:
        assert poster.post(f"{url}200", {"Content-Type": "application/json"}, b'{"a": 1}').body == '{"a": 1}'

    def test_nobody_there_is_told_without_what_may_be_secret(self, poster: Poster) -> None:
        sent = poster.post("https://127.0.0.1:1/a?token=hush", {}, b"")
        assert sent.status == 0
        assert sent.error
        assert "hush" not in sent.error

    def test_hosts_that_are_not_public_are_refused(self, strict: Poster, url: str) -> None:
        assert "not public" in strict.post(f"{url}200", {}, b"").error
        for host in (
            "127.0.0.1",
            "10.0.0.1",
            "169.254.169.254",
            "[::1]",
            "[::ffff:10.0.0.1]",
            "[64:ff9b::a00:1]",
            "localhost",
        ):
            with pytest.raises(InvalidError):
                strict.check(f"https://{host}/x")
            assert strict.post(f"https://{host}/x", {}, b"").error
        strict.check("https://example.com/x")

    @pytest.mark.parametrize(
        "wrong",
        ["http://example.com", "ftp://example.com", "https://", "https://u:p@example.com", "example.com", "https://a b",
         "https://example.com:99999", "https://[::1", "https://example.com/" + "x" * 3000, "https://example.com/#a", ""],
    )  # fmt: skip
    def test_what_is_no_https_url_is_refused(self, poster: Poster, wrong: str) -> None:
        with pytest.raises(InvalidError):
            poster.check(wrong)
        assert poster.post(wrong, {}, b"").error
