"""Anything that the API's own description allows, and much that it does not: never a fault, and errors of one form."""

import json
import logging
import warnings

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings, strategies as st
from litestar.exceptions import LitestarDeprecationWarning
from schemathesis import GenerationMode

from regista.bootstrap.application import build_application
from regista.entities.asset import AssetKind
from regista.entities.scope import ScopeAddress, ScopeKind
from regista.errors import AlreadyExistsError, ErrorCode
from regista.services.access.access import SYSTEM
from regista.services.scopes.scopes import NewScope
from tests.support.houses import People, open_house

REAL = {
    "scope_name": "dev", "kinds": "models", "name": "a", "version": "1", "label": "latest", "alias": "best", "path": "f.txt",
    "digest": "sha256:" + "0" * 64, "output": "model", "endpoint": "ep", "key": "k", "which": "primary",
}  # fmt: skip
CODES = {code.value for code in ErrorCode}


class Fuzzed:
    """The application with something in it, its description, and how a case is sent."""

    def __init__(self, house):
        self.people = People(house)
        self.key = None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LitestarDeprecationWarning)
            application = build_application(house)
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self.stock()
        schema = schemathesis.openapi.from_asgi("/api/v1/schema/openapi.json", application)
        self.operations = {
            operation.label: operation for operation in (found.ok() for found in schema.get_all_operations())
        }

    def stock(self):
        """Make sure that there is something to find, whatever was deleted."""
        principals = self.people.house.principals
        try:
            principals.create(SYSTEM, "fuzzer", "user")
        except AlreadyExistsError:
            principals.disable(SYSTEM, "fuzzer", disabled=False)
        principals.assign(SYSTEM, "fuzzer", "Owner", "/")
        self.key = principals.create_key(SYSTEM, "fuzzer", "k").secret
        for scope in (self.scope(ScopeKind.WORKSPACE), self.scope(ScopeKind.REGISTRY)):
            for kind in (AssetKind.MODEL, AssetKind.DATA):
                self.people.version(scope, kind, name="a", files={"f.txt": b"text"})

    def scope(self, kind):
        """The one that is there, whatever became of it, or a new one."""
        scopes = self.people.house.scopes
        try:
            return scopes.create(SYSTEM, NewScope(kind=kind, name="dev", location="local"))
        except AlreadyExistsError:
            return scopes.get(SYSTEM, ScopeAddress(kind, "dev", "default", "default"))

    def send(self, case):
        headers = {name: value for name, value in (case.headers or {}).items() if name.lower() != "authorization"}
        case.headers = headers | {"Authorization": f"Bearer {self.key}"}
        if case.query and "wait" in case.query:
            case.query["wait"] = 0
        return case.call()


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory):
    with open_house(tmp_path_factory.mktemp("fuzz")) as house:
        yield Fuzzed(house)


def check(answer):
    """The law of every answer."""
    text = answer.content.decode(errors="replace")
    assert answer.status_code < 500 or answer.status_code == 501, text
    assert "Traceback" not in text
    assert 'File "' not in text
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == ["application/problem+json"]
        problem = json.loads(text)
        assert problem["code"] in CODES
        assert problem["status"] == answer.status_code
        assert problem["request_id"]
        assert problem["detail"]


def fuzz(fuzzed, examples):
    wrong = []
    for label, operation in fuzzed.operations.items():
        fuzzed.stock()
        try:
            _one(fuzzed, operation, examples)
        except AssertionError as found:
            wrong.append(f"{label}: {found}")
    assert not wrong, "\n\n".join(wrong)


def _one(fuzzed, operation, examples):
    @seed(17)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def one(data):
        mode = data.draw(st.sampled_from([GenerationMode.POSITIVE, GenerationMode.NEGATIVE]))
        case = data.draw(operation.as_strategy(generation_mode=mode))
        if data.draw(st.booleans()) and case.path_parameters:
            case.path_parameters |= {name: REAL[name] for name in case.path_parameters if name in REAL}
        answer = fuzzed.send(case)
        try:
            check(answer)
        except AssertionError as wrong:
            raise AssertionError(f"{case.path_parameters} {case.query} {case.body!r}: {answer.content!r}") from wrong

    one()


def test_a_few_of_everything(fuzzed):
    fuzz(fuzzed, 1)


@pytest.mark.slow
def test_many_of_everything(fuzzed):
    fuzz(fuzzed, 15)
