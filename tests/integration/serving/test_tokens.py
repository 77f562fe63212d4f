"""Tokens that open an endpoint, at a running gateway: they end within seconds of what they stand on, and nobody else's do."""

import logging
import time
from collections.abc import Callable

import pytest

from regista.entities.access import PrincipalKind
from regista.entities.documents.endpoint import parse_online_endpoint
from regista.services.access.access import SYSTEM
from regista.services.serving.endpoints import scoring_uri
from tests.support.scoring import Caller, Site, until

pytestmark = pytest.mark.slow

LOG = logging.getLogger(__name__)


def endpoint(site: Site, mode: str, name: str = "flights") -> str:
    """An endpoint that serves, opened by tokens; its address."""
    made = site.house.endpoints.create(
        SYSTEM, site.scope.address, parse_online_endpoint({"name": name, "auth_mode": mode})
    )
    site.deploy(endpoint=name)
    site.traffic(name, blue=100)
    return scoring_uri(site.house.serving.url, made)


def somebody(site: Site, name: str, url: str, mode: str, seconds: float | None = None) -> Caller:
    """A new Owner of the workspace with a token of a key of theirs."""
    principals, login = site.house.principals, f"{name}-{site.scope.name}"
    principals.create(SYSTEM, login, PrincipalKind.USER)
    principals.assign(SYSTEM, login, "Owner", site.scope.path)
    secret = principals.create_key(SYSTEM, login, "k", seconds=seconds).secret
    if mode == "aad_token":
        token = site.house.access.exchange(secret, "https://ml.azure.com").text
    else:
        caller = site.house.access.authenticate(secret)
        token = site.house.endpoints.token(caller, site.scope.address, "flights").access_token
    found = Caller(url, str(site.settings.tls / "ca.pem"), token)
    site.callers.append(found)
    return found


def _revoke(site: Site, login: str) -> None:
    site.house.principals.revoke_key(SYSTEM, login, "k")


def _disable(site: Site, login: str) -> None:
    site.house.principals.disable(SYSTEM, login)


def _take_the_role(site: Site, login: str) -> None:
    mine = [one for one in site.house.principals.assignments(SYSTEM, principal=login) if one.role == "Owner"]
    site.house.principals.unassign(SYSTEM, mine[0].id)


@pytest.mark.parametrize("mode", ["aml_token", "aad_token"])
@pytest.mark.parametrize("end", [_revoke, _disable, _take_the_role])
def test_a_token_is_refused_within_seconds_of_the_end_of_its_key(
    site: Site, end: Callable[[Site, str], None], mode: str
) -> None:
    url = endpoint(site, mode)
    ann, bob = (somebody(site, name, url, mode) for name in ("ann", "bob"))
    for caller in (ann, bob):
        until(lambda caller=caller: caller.ask()[0] == 200)  # type: ignore[misc]
    end(site, f"ann-{site.scope.name}")
    begun = time.monotonic()

    def refused() -> bool:
        assert bob.ask()[0] == 200
        return ann.ask()[0] == 401

    until(refused, 30)
    LOG.info("%s, %s: refused after %.2f s", mode, end.__name__.strip("_"), time.monotonic() - begun)
    assert ann.ask()[0] == 401
    assert bob.ask()[0] == 200


def test_a_token_ends_by_itself_with_a_key_that_has_an_end(site: Site) -> None:
    url = endpoint(site, "aml_token")
    ann = somebody(site, "ann", url, "aml_token", seconds=6)
    until(lambda: ann.ask()[0] == 200, 5)
    until(lambda: ann.ask()[0] == 401, 30)


def test_a_token_of_one_endpoint_opens_no_other_not_even_a_later_one_of_its_name(site: Site) -> None:
    url = endpoint(site, "aml_token")
    ann = somebody(site, "ann", url, "aml_token")
    until(lambda: ann.ask()[0] == 200)
    stranger = Caller(endpoint(site, "aml_token", "other"), ann.ca, ann.key)
    site.callers.append(stranger)
    assert stranger.ask()[0] == 401
    site.house.endpoints.delete(SYSTEM, site.scope.address, "flights")
    assert endpoint(site, "aml_token") == url
    assert ann.ask()[0] == 401
