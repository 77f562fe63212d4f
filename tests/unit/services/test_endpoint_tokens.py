"""Endpoints that tokens open: what is issued, and for which keys it counts."""

import pytest

from regista.entities.access import Permission
from regista.entities.documents.endpoint import parse_online_endpoint
from regista.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from regista.services.access.access import SYSTEM
from regista.services.serving.callers import TokenCallers, audience, audiences


@pytest.fixture
def dev(people):
    return people.workspace("dev")


@pytest.fixture
def made(people, dev):
    document = parse_online_endpoint({"name": "opened", "auth_mode": "aml_token"})
    return people.house.endpoints.create(SYSTEM, dev.address, document)


def signed_in(people, name, **wish):
    issued = people.house.principals.create_key(SYSTEM, name, wish.pop("key", "k"), **wish)
    return issued.key, people.house.access.authenticate(issued.secret)


def callers(people, *endpoints):
    return TokenCallers(people.house.catalog).of(endpoints, 1)


def test_a_token_speaks_for_the_key_that_asked_for_it_and_ends_with_it(people, dev, made):
    people.somebody("ann", owner=dev.path)
    key, ann = signed_in(people, "ann", seconds=100)
    token = people.house.endpoints.token(ann, dev.address, "opened")
    claims = people.house.endpoints._service._tokens.read(token.access_token, frozenset({audience(made)}))
    assert (claims.sub, claims.key, claims.aud) == (ann.principal.id, key.id, audience(made))
    assert claims.exp * 1000 == token.expires_at <= key.expires_at
    assert token.access_token not in repr(token)


def test_a_token_for_an_endpoint_opens_nothing_else(people, dev, made):
    people.somebody("ann", owner=dev.path)
    _, ann = signed_in(people, "ann")
    token = people.house.endpoints.token(ann, dev.address, "opened").access_token
    for audience_ in ("https://ml.azure.com", "https://storage.azure.com"):
        with pytest.raises(Exception, match="not for this"):
            people.house.access.authenticate(token, audiences=frozenset({audience_}))


def test_who_may_not_have_the_keys_gets_no_token(people, dev, made):
    reader, stranger = people.somebody("bob", reader=dev.path), people.somebody("eve")
    with pytest.raises(ForbiddenError):
        people.house.endpoints.token(reader, dev.address, "opened")
    with pytest.raises(NotFoundError):
        people.house.endpoints.token(stranger, dev.address, "opened")
    with pytest.raises(ForbiddenError, match="without a key"):
        people.house.endpoints.token(SYSTEM, dev.address, "opened")


def test_keys_and_tokens_do_not_stand_in_for_each_other(people, dev, made):
    people.house.endpoints.create(SYSTEM, dev.address, parse_online_endpoint({"name": "keyed"}))
    people.somebody("ann", owner=dev.path)
    _, ann = signed_in(people, "ann")
    with pytest.raises(InvalidError, match="by keys, not by tokens"):
        people.house.endpoints.token(ann, dev.address, "keyed")
    with pytest.raises(InvalidError, match="by tokens, not by keys"):
        people.house.endpoints.keys(ann, dev.address, "opened")
    with pytest.raises(InvalidError, match="by tokens, not by keys"):
        people.house.endpoints.regenerate(ann, dev.address, "opened", "primary")
    with pytest.raises(ConflictError, match="stays so"):
        people.house.endpoints.put(ann, dev.address, parse_online_endpoint({"name": "opened", "auth_mode": "key"}))


def test_the_keys_that_count_are_the_living_ones_of_who_may(people, dev, made):
    people.somebody("ann", owner=dev.path)
    people.somebody("bob", reader=dev.path)
    good, _ = signed_in(people, "ann", key="good")
    narrow, _ = signed_in(people, "ann", key="narrow", permissions=(Permission.SCOPES_READ,))
    right, _ = signed_in(people, "ann", key="right", permissions=(Permission.ENDPOINTS_KEYS,))
    gone, _ = signed_in(people, "ann", key="gone")
    people.house.principals.revoke_key(SYSTEM, "ann", "gone")
    found = callers(people, made)[made.id]
    assert {good.id, right.id} <= set(found)
    assert not {narrow.id, gone.id} & set(found)
    bobs = people.house.catalog.read(lambda tx: tx.keys.of(tx.access.find_principal(name="bob").id))
    assert not {key.id for key in bobs} & set(found)
    people.house.principals.disable(SYSTEM, "ann")
    assert callers(people, made)[made.id] == ()


def test_only_aad_endpoints_take_tokens_for_azure_ml(people, dev, made):
    document = parse_online_endpoint({"name": "aad", "auth_mode": "aad_token"})
    aad = people.house.endpoints.create(SYSTEM, dev.address, document)
    assert audiences(made) == (audience(made),)
    assert "https://ml.azure.com" in audiences(aad)
    assert audience(aad) != audience(made)
