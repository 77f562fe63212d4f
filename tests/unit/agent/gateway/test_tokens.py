"""Which tokens open an endpoint, and which do not."""

import base64
import json
import time

import pytest

from regista.agent.gateway.faults import Fault
from regista.agent.gateway.table import TableError, parse
from regista.agent.gateway.tokens import Tokens as Guard
from regista.drivers.serving.gateway import _raw
from regista.drivers.signing.ed25519 import Ed25519Signer
from regista.services.access.tokens import Tokens

OURS = "regista:endpoint:1"


@pytest.fixture(scope="module")
def signer(tmp_path_factory):
    return Ed25519Signer(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def guard(signer):
    return Guard(_raw(signer.public_key), (OURS, "https://ml.azure.com"), ("key-1",))


def issued(signer, audience=OURS, key="key-1", **more):
    return Tokens(signer).issue_for("ann", key, audience, more.get("ends_at")).text


def check(guard, token):
    guard.check(b"Bearer " + token.encode())


def refused(guard, header):
    with pytest.raises(Fault) as fault:
        guard.check(header)
    assert fault.value.status == 401
    return fault.value.body().decode()


def part(said):
    return base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()


def forged(signer, header, claims):
    said = f"{part(header)}.{part(claims)}"
    return f"{said}.{base64.urlsafe_b64encode(signer.sign(said.encode()).value).rstrip(b'=').decode()}"


def test_a_token_for_it_opens_it_again_and_again(guard, signer):
    token = issued(signer)
    check(guard, token)
    check(guard, token)
    check(guard, issued(signer, "https://ml.azure.com"))


def test_what_is_none_or_another_key_does_not(guard, signer, tmp_path):
    for header in (
        None,
        b"",
        b"Bearer",
        b"Bearer ",
        b"Basic x",
        b"Bearer key",
        b"Bearer a.b.c",
        b"Bearer " + b"x" * 9000,
    ):
        refused(guard, header)
    other = Ed25519Signer(tmp_path / "other")
    assert "no token of the server" in refused(guard, b"Bearer " + issued(other).encode())
    token = issued(signer)
    said, _, signature = token.rpartition(".")
    for changed in (
        f"{said}.",
        f"{said}A.{signature}",
        f"{said}.{signature[:-6]}AAAAAA",
        token + "\xe9",
        token.replace(".", ""),
    ):
        refused(guard, b"Bearer " + changed.encode("latin-1"))


def test_another_audience_another_key_and_another_time_do_not(guard, signer, monkeypatch):
    assert "not for this endpoint" in refused(guard, b"Bearer " + issued(signer, "regista:endpoint:2").encode())
    assert "has ended" in refused(guard, b"Bearer " + issued(signer, key="key-2").encode())
    token = issued(signer)
    check(guard, token)
    later = time.time() + 3601
    monkeypatch.setattr(time, "time", lambda: later)
    assert "expired" in refused(guard, b"Bearer " + token.encode()), "one that was known, too"
    monkeypatch.setattr(time, "time", lambda: later - 4000 - 3600)
    assert "no time" in refused(Guard(_raw(signer.public_key), (OURS,), ("key-1",)), b"Bearer " + token.encode())


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        ({"alg": "none"}, {}),
        ({"alg": "HS256"}, {}),
        ([], {}),
        ({"alg": "EdDSA"}, []),
        ({"alg": "EdDSA"}, {"iss": "else"}),
        ({"alg": "EdDSA"}, {"exp": "tomorrow"}),
        ({"alg": "EdDSA"}, {"exp": None}),
        ({"alg": "EdDSA"}, {"key": ["key-1"]}),
        ({"alg": "EdDSA"}, {"aud": [OURS]}),
    ],
)
def test_what_the_server_would_not_sign_is_refused_though_it_is_signed(guard, signer, header, claims):
    whole = {"iss": "regista", "aud": OURS, "key": "key-1", "nbf": 0, "exp": time.time() // 1 + 60}
    said = whole | claims if isinstance(claims, dict) else claims
    refused(guard, b"Bearer " + forged(signer, header, said).encode())


def test_a_table_says_who_signs():
    endpoint = {"auth": "token", "signer": "0" * 64}
    with pytest.raises(TableError, match="who signs"):
        parse(json.dumps({"endpoints": {"dev/a": endpoint}}).encode())
    with pytest.raises(TableError, match="wrong"):
        parse(json.dumps({"endpoints": {"dev/a": endpoint | {"signer": "x"}}}).encode())
