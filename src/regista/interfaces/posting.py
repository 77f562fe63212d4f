"""Telling somebody outside, by one request."""

from collections.abc import Mapping
from typing import Protocol

from regista.entities.webhook import Sent


class Poster(Protocol):
    """Sends messages to URLs that users gave. Checked by ``regista.conformance.posting.PosterContract``."""

    def check(self, url: str) -> None:
        """Raise ``InvalidError`` for a URL to which nothing is ever sent: no https, or known to lead into the own network."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Sent:
        """Send *body* once, follow no redirect, and tell what came of it. It does not raise: an answer has its status, and
        everything else an error without what may be secret in *url*."""
