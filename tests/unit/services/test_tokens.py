"""Tokens that stand for a key for an hour."""

import base64
import json

import pytest
from hypothesis import given, strategies as st

from regista.drivers.signing.ed25519 import Ed25519Signer
from regista.entities.access import PrincipalKind
from regista.entities.names import now
from regista.errors import InvalidError, UnauthenticatedError
from regista.services.access.access import SYSTEM
from regista.services.access.tokens import MANAGEMENT, STORAGE, Tokens, normal_audience
from tests.support.houses import open_house

ARM = "https://management.azure.com"


@pytest.fixture
def house(tmp_path):
    with open_house(tmp_path) as opened:
        opened.principals.create(SYSTEM, "ada", PrincipalKind.USER)
        opened.principals.assign(SYSTEM, "ada", "Owner", "/")
        yield opened


@pytest.fixture
def key(house):
    return house.principals.create_key(SYSTEM, "ada", "laptop")


def parts(token):
    return [json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.text.split(".")[:2]]


def forged(token, **claims):
    header, _, signature = token.text.split(".")
    changed = json.dumps(parts(token)[1] | claims).encode()
    return ".".join((header, base64.urlsafe_b64encode(changed).rstrip(b"=").decode(), signature))


def test_a_token_opens_what_its_key_opens(house, key):
    token = house.access.exchange(key.secret, ARM + "/.default")
    caller = house.access.authenticate(token.text, audiences=MANAGEMENT)
    assert caller.principal.name == "ada"
    assert parts(token)[1]["aud"] == ARM


def test_a_token_for_one_audience_opens_no_other(house, key):
    token = house.access.exchange(key.secret, ARM)
    with pytest.raises(UnauthenticatedError, match="not for this"):
        house.access.authenticate(token.text, audiences=STORAGE)


def test_a_door_that_takes_no_tokens_knows_none(house, key):
    with pytest.raises(UnauthenticatedError, match="not known"):
        house.access.authenticate(house.access.exchange(key.secret, ARM).text)


def test_a_token_is_not_exchanged_for_another(house, key):
    with pytest.raises(UnauthenticatedError):
        house.access.exchange(house.access.exchange(key.secret, ARM).text, ARM)


def test_a_revoked_key_takes_its_tokens_along(house, key):
    token = house.access.exchange(key.secret, ARM)
    house.access.authenticate(token.text, audiences=MANAGEMENT)
    house.principals.revoke_key(SYSTEM, "ada", key.key.id)
    with pytest.raises(UnauthenticatedError):
        house.access.authenticate(token.text, audiences=MANAGEMENT)


def test_a_disabled_principal_has_no_token(house, key):
    token = house.access.exchange(key.secret, ARM)
    house.principals.disable(SYSTEM, "ada")
    with pytest.raises(UnauthenticatedError):
        house.access.authenticate(token.text, audiences=MANAGEMENT)


def test_a_token_lives_no_longer_than_its_key(house):
    short = house.principals.create_key(SYSTEM, "ada", "short", seconds=60)
    assert house.access.exchange(short.secret, ARM).expires_on * 1000 <= now() + 60_000


@pytest.mark.parametrize("claims", [{"aud": "https://ml.azure.com"}, {"sub": "system"}, {"exp": 9_999_999_999}])
def test_a_changed_claim_breaks_the_signature(house, key, claims):
    with pytest.raises(UnauthenticatedError, match="not signed here"):
        house.access.authenticate(forged(house.access.exchange(key.secret, ARM), **claims), audiences=MANAGEMENT)


def test_a_token_without_a_signature_is_refused(house, key):
    _, body, _ = house.access.exchange(key.secret, ARM).text.split(".")
    header = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    with pytest.raises(UnauthenticatedError):
        house.access.authenticate(f"{header}.{body}.", audiences=MANAGEMENT)


def test_another_installation_s_token_is_refused(house, key, tmp_path_factory):
    other = Tokens(Ed25519Signer(tmp_path_factory.mktemp("other")))
    token = other.issue(house.access.authenticate(key.secret).principal.id, key.key.id, ARM, None)
    with pytest.raises(UnauthenticatedError, match="not signed here"):
        house.access.authenticate(token.text, audiences=MANAGEMENT)


def test_an_expired_token_is_refused(tmp_path):
    tokens = Tokens(Ed25519Signer(tmp_path))
    with pytest.raises(UnauthenticatedError, match="expired"):
        tokens.read(tokens.issue("p", "k", ARM, now() - 10_000).text, MANAGEMENT)


@given(text=st.text(alphabet="eyJ.AZaz09-_=é", max_size=60).map(lambda tail: "eyJ" + tail))
def test_nothing_else_is_a_token(text):
    class Nobody:
        key_id = ""

        def verify(self, message, signature):
            return False

    with pytest.raises(UnauthenticatedError):
        Tokens(Nobody()).read(text, MANAGEMENT)


@pytest.mark.parametrize("resource", ["", "http://x", "https://", "https://a b", "https://a/b?c", "x" * 300])
def test_what_is_no_audience_is_refused(resource):
    with pytest.raises(InvalidError):
        normal_audience(resource)
