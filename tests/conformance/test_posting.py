"""Posting by https, to a receiver that is really there."""

import pytest

from regista.conformance.posting import PosterContract
from regista.drivers.posting.https import HttpsPoster
from tests.support.receiver import Receiver, receiving


@pytest.fixture(scope="module")
def receiver(tmp_path_factory):
    with receiving(tmp_path_factory.mktemp("receiver")) as receiver:
        yield receiver


class TestHttpsPoster(PosterContract):
    @pytest.fixture
    def poster(self, receiver: Receiver):
        return HttpsPoster(allow_private=True, authorities=receiver.ca, timeout=5)

    @pytest.fixture
    def strict(self, receiver: Receiver):
        return HttpsPoster(authorities=receiver.ca, timeout=5)

    @pytest.fixture
    def url(self, receiver: Receiver):
        return receiver.url

    def test_a_receiver_with_a_certificate_of_nobody_is_not_told(self, url):
        sent = HttpsPoster(allow_private=True, timeout=5).post(f"{url}200", {}, b"secret")
        assert "certificate" in sent.error.lower()

    def test_a_receiver_that_lets_wait_is_left(self, receiver, poster):
        hasty = HttpsPoster(allow_private=True, authorities=receiver.ca, timeout=0.3)
        assert hasty.post(f"{receiver.url}slow", {}, b"").error
        assert hasty.post(f"{receiver.url}dripping", {}, b"").status in {0, 200}
        cut = hasty.post(f"{receiver.url}dripping-once", {}, b"")  # the answer has taken the connection over
        assert cut.body.count(".") < 20
        assert poster.post(f"{receiver.url}429", {}, b"").retry_after == 2
