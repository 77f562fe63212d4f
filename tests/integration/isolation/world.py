"""An installation full of things, everybody who might ask for them, and a way to ask: over HTTP, in process."""

import hashlib
import json
import string
from contextlib import suppress
from typing import Any

import anyio.from_thread
import httpx

from regista.entities.access import Role
from regista.entities.asset import AssetKind
from regista.entities.datastore import files_container
from regista.entities.digest import digest_of
from regista.entities.documents.compute import parse_compute
from regista.entities.documents.endpoint import parse_online_endpoint
from regista.entities.endpoint import Deployment, TrafficChange
from regista.entities.job import Binding, Job, JobStatus, JobType
from regista.entities.llm_trace import Assessment, AssessmentKind, LlmTrace
from regista.entities.names import new_id, now
from regista.entities.scope import Scope, ScopeKind
from regista.entities.webhook import Webhook
from regista.errors import NotFoundError
from regista.services.access.access import SYSTEM
from regista.services.datastores.files import Labels
from regista.services.house import House
from regista.services.scopes.scopes import NewScope
from regista.services.tracking.logged_models import NewLoggedModel
from regista.services.tracking.runs import NewRun
from regista.services.webhooks.webhooks import WebhookChange
from tests.integration.isolation.roles import CUSTOM, MAY, WRITERS
from tests.integration.isolation.table import DOCUMENT, STORED, Verb
from tests.support.door import Door
from tests.support.houses import People, manifest_of

KINDS = tuple(AssetKind)
TEXT = b"text"
AGAIN = "{again}"
"""The body of a request: what is there already, but for its description."""
MODEL_JSON = '{"artifact_path": "m", "utc_time_created": "now", "flavors": {}, "run_id": "r"}'
GOOD = Assessment(id="", name="good", kind=AssessmentKind.FEEDBACK, value=True)
SPANS = b'{"spans": [{"name": "x", "context": {"trace_id": "0x1", "span_id": "0x2"}, "start_time": 1}]}'
SPECS: dict[AssetKind, dict[str, Any]] = {
    AssetKind.ENVIRONMENT: {"image": "python:3.11"},
    AssetKind.COMPONENT: {"type": "command", "command": "true", "environment": "azureml:a:1"},
}


class Somebody:
    """A key, and what is known of whoever has it: roles at paths (none: no living key), perhaps narrowed."""

    def __init__(self, name: str, key: str | None, role: str = "", paths: tuple[str, ...] = (), **limits: Any) -> None:
        self.name, self.key, self.role, self.paths = name, key, role, paths
        self.within: tuple[str, ...] = limits.get("within", ("/",))
        self.only: set[str] | None = limits.get("only")

    def __repr__(self) -> str:
        return self.name

    def may(self, doing: str, path: str) -> bool:
        """Whether the role, where it was given and as far as the key reaches, lets it do so there."""
        given = any(_below(path, place) for place in self.paths) and doing in MAY.get(self.role, ())
        return given and any(_below(path, place) for place in self.within) and (self.only is None or doing in self.only)

    def may_inside(self, doing: str, path: str) -> bool:
        """There, or at anything in it."""
        places = {path, *(one for one in (*self.paths, *self.within) if _below(one, path))}
        return any(self.may(doing, place) for place in places)


def _below(path: str, ancestor: str) -> bool:
    return ancestor in {"/", path} or path.startswith(ancestor + "/")


class World:
    """Workspaces ``dev`` (group one) and ``other`` (group two), registries ``central`` (one) and ``shelf`` (two), each with
    assets ``a`` and ``b`` of every kind; in the workspaces a job ``j``, a run and an endpoint ``e``."""

    def __init__(self, house: House, portal: anyio.from_thread.BlockingPortal) -> None:
        self.house, self.people, self.ask = house, People(house), Door(house, portal)
        house.handovers.listening("regista-nowhere")  # so that there are tickets; nobody uses one
        self.scopes: dict[str, Scope] = {}
        for name, permissions in CUSTOM.items():
            house.principals.put_role(SYSTEM, Role(name=name, permissions=permissions))
        self.runs: dict[str, str] = {}
        self.spare: dict[str, dict[str, str]] = {}
        for kind, name, group in (
            (ScopeKind.WORKSPACE, "dev", "one"), (ScopeKind.REGISTRY, "central", "one"),
            (ScopeKind.WORKSPACE, "other", "two"), (ScopeKind.REGISTRY, "shelf", "two"),
        ):  # fmt: skip
            self.scopes[name] = house.scopes.create(SYSTEM, NewScope(kind=kind, name=name, resource_group=group))
            self._stock(self.scopes[name])
        for name in ("dev", "other"):
            self._work(self.scopes[name])
        for name in ("central", "shelf"):
            self._deployment(self.scopes["other"], f"of-{name}", self.scopes[name])
        house.principals.create(SYSTEM, "idle", "user")
        house.principals.create(SYSTEM, "owner", "user")
        for name in ("spare", "old"):
            house.principals.create_key(SYSTEM, "idle", name)

    def _stock(self, scope: Scope) -> None:
        for kind in KINDS:
            for name in ("a", "b"):
                for number in ("1", "gone"):
                    files, spec = {"f.txt": TEXT}, SPECS.get(kind, {})
                    self.people.version(scope, kind, name=name, version=number, files=files, spec=spec)
                self.house.assets.delete(SYSTEM, scope.address, kind, name, "gone")
                self.house.assets.set_alias(SYSTEM, scope.address, kind, name, "first", "1")

        hook = Webhook(
            id=f"wh-{scope.name}", scope_id=scope.id, name="wh", url="https://127.0.0.1:1/", events=("job.*",)
        )
        self.house.catalog.write(lambda tx: tx.webhooks.put(hook))

    def _work(self, scope: Scope) -> None:
        store = self.house.stores.for_scope(scope)[1]
        output = store.put(manifest_of({"f.txt": TEXT}).encode())
        self.house.jobs.submit(SYSTEM, scope.address, DOCUMENT, name="k")
        spec = self.house.jobs.get(SYSTEM, scope.address, "k").spec
        job = Job(
            id=new_id(), scope_id=scope.id, name="j", type=JobType.COMMAND, status=JobStatus.COMPLETED, spec=spec,
            outputs={"model": Binding(type="uri_folder", manifest=output)}, log=store.put(b"log of j"), created_at=now(),
        )  # fmt: skip
        self.house.catalog.write(lambda tx: tx.jobs.add(job))
        self.runs[scope.name] = self.house.runs.create(SYSTEM, scope.address, NewRun(experiment=0)).job.name
        owner = self.key_of("root", "Owner", "/") if not hasattr(self, "_root") else self._root
        self._root = owner
        files = f"/mlflow/workspaces/{scope.name}/api/2.0/mlflow-artifacts/artifacts/runs/{self.runs[scope.name]}/f.txt"
        assert self.ask("PUT", files, owner, content=TEXT).status_code == 200
        trace = LlmTrace(id="tr-isolated", scope_id=scope.id, experiment=0, started_at=1)
        self.house.llm_traces.put(SYSTEM, scope.address, trace)
        self.spare[scope.name] = {
            "experiment": str(self.house.experiments.create(SYSTEM, scope.address, "spare").number),
            "logged": self.house.logged_models.create(SYSTEM, scope.address, NewLoggedModel(experiment=0)).id,
            "assessment": self.house.llm_traces.assess(SYSTEM, scope.address, trace.id, GOOD).id,
        }
        files = f"/mlflow/workspaces/{scope.name}/api/2.0/mlflow-artifacts/artifacts"
        logged = f"{files}/models/{self.spare[scope.name]['logged']}/f.txt"
        for path, content in ((f"{files}/traces/tr-isolated/traces.json", SPANS), (logged, TEXT)):
            assert self.ask("PUT", path, owner, content=content).status_code == 200
        metric = {"run_id": self.runs[scope.name], "key": "m", "value": 1.0, "timestamp": 1}
        measured = self.ask(
            "POST", f"/mlflow/workspaces/{scope.name}/api/2.0/mlflow/runs/log-metric", owner, json=metric
        )
        assert measured.status_code == 200
        assert (
            self.ask("POST", f"/workspaces/{scope.name}/onlineEndpoints", owner, json={"name": "ep"}).status_code == 201
        )
        for noun, body in (
            ("computes", {"name": "ci", "type": "computeinstance"}),
            ("datastores", STORED),
            ("connections", {"name": "n", "type": "git"}),
        ):
            assert self.ask("POST", f"/workspaces/{scope.name}/{noun}", owner, json=body).status_code == 201
        self.put(scope, "shared/f.txt")
        node = self._deployment(scope, "blue", scope)
        change = TrafficChange(
            scope_id=scope.id, endpoint="ep", at=now() - 1, traffic={"blue": 100}, nodes={"blue": node}
        )
        self.house.catalog.write(lambda tx: tx.endpoints.add_traffic(change))

    def _deployment(self, scope: Scope, name: str, source: Scope) -> str:
        model = f"version:{source.id}/model/b/1"
        made = Deployment(id=new_id(), scope_id=scope.id, endpoint="ep", name=name, model=model, created_at=now())
        self.house.catalog.write(lambda tx: tx.endpoints.put_deployment(made))
        return made.node

    def put(self, scope: Scope, path: str) -> None:
        """A file behind the workspace's datastore, of nobody in the crowd."""
        upload = self.house.files.begin(SYSTEM, files_container(scope.id), path)
        upload.write(TEXT)
        upload.commit(Labels())

    def key_of(self, name: str, role: str, *paths: str, **limits: Any) -> str:
        """The key of a new principal with a role at paths."""
        self.house.principals.create(SYSTEM, name, "user")
        for path in paths:
            self.house.principals.assign(SYSTEM, name, role, path)
        return self.house.principals.create_key(SYSTEM, name, "k", **limits).secret

    def path(self, scope: Scope, kind: AssetKind | None = None, name: str = "") -> str:
        """Where something stands in the tree."""
        group = f"/subscriptions/{scope.subscription}/resourceGroups/{scope.resource_group}"
        inside = f"/{kind.plural}/{name}" if kind else ""
        return f"{group}/{'workspaces' if scope.kind == 'workspace' else 'registries'}/{scope.name}{inside}"

    def request(self, verb: Verb, who: Somebody, scope: Scope, kind: AssetKind, name: str) -> httpx.Response:
        """Say the verb."""
        places = _Lazy(self, scope, kind, name, who)
        path = string.Formatter().vformat(verb.path, (), places)
        body: Any = None
        if verb.body == "{version}":
            body = places.version()
        elif verb.body != AGAIN:
            body = _filled(verb.body, places)
        else:
            mine, real = (
                self.ask("GET", path, who.key),
                next(one.name for one in self.scopes.values() if one.id == scope.id),
            )
            there = mine if mine.status_code == 200 else self.ask("GET", path.replace(scope.name, real), self._root)
            body = there.json()
            body["properties"]["description"] = f"by {who}"
        sent: dict[str, Any] = {"content": verb.content} if verb.content is not None else {}
        if body is not None:
            sent = {"json": body}
        headers = {field: string.Formatter().vformat(value, (), places) for field, value in verb.headers}
        answer = self.ask(verb.method, path, who.key, headers=headers, **sent)
        if places.litter or path.endswith("/webhooks"):
            self._tidy(scope, places.litter)
        return answer

    def _tidy(self, scope: Scope, models: list[str]) -> None:
        """Remove what nobody else is to meet."""
        for name in filter(None, models):
            with suppress(NotFoundError):
                self.house.registered_models.delete(SYSTEM, scope.address, name)
        with suppress(NotFoundError):
            for webhook in self.house.webhooks.list(SYSTEM, scope.address):
                if webhook.name != "wh":
                    self.house.webhooks.delete(SYSTEM, scope.address, webhook.id)


class _Lazy(dict[str, str]):
    """What stands in braces, made when it is asked for."""

    def __init__(self, world: World, scope: Scope, kind: AssetKind, name: str, who: Somebody) -> None:
        plural = "workspaces" if scope.kind is ScopeKind.WORKSPACE else "registries"
        fixed = {
            "scopes": plural,
            "scope": scope.name,
            "asset": f"azureml://registries/{scope.name}/{kind.plural}/{name}",
            "files": files_container(scope.id),
            "kinds": kind.plural,
            "name": name,
            "group": scope.resource_group,
        }
        super().__init__(
            fixed, digest=digest_of(b"bytes"), empty=digest_of(b""), run=world.runs.get(scope.name, world.runs["dev"]),
            etag=hashlib.md5(TEXT).hexdigest(), model_json=MODEL_JSON,  # noqa: S324
            **world.spare.get(scope.name, world.spare["dev"]),
        )  # fmt: skip
        self._world, self._scope, self._kind, self._name, self._who = world, scope, kind, name, who
        self.litter: list[str] = []

    def __missing__(self, key: str) -> str:
        house = self._world.house
        if key == "upload":
            with house.contents.begin(SYSTEM, self._scope.address) as upload:
                return upload.id
        if key == "fresh":
            self.litter.append(f"fresh-{new_id()[-12:]}")
            return self.litter[-1]
        if key in {"parts", "whole"}:
            return self._parts(whole=key == "whole")
        if key.startswith("doomed_"):
            return self._doomed(key.removeprefix("doomed_"))
        assert key == "store", key
        return house.stores.page(SYSTEM)[0].url

    def _doomed(self, what: str) -> str:
        """A thing that nobody else meets."""
        house, address = self._world.house, self._scope.address
        match what:
            case "model":
                name = f"doomed-{new_id()[-12:]}"
                self.litter.append(name)
                self._world.people.version(self._scope, AssetKind.MODEL, name=name, version="1", files={"f.txt": TEXT})
                return name
            case "run":
                return house.runs.create(SYSTEM, address, NewRun(experiment=0)).job.name
            case "logged":
                return house.logged_models.create(SYSTEM, address, NewLoggedModel(experiment=0)).id
            case "trace":
                trace = LlmTrace(id="", scope_id=self._scope.id, experiment=0, started_at=1)
                return house.llm_traces.put(SYSTEM, address, trace).id
            case "compute":
                made = parse_compute({"name": "doomed", "type": "computeinstance"})
                return house.computes.create_or_update(SYSTEM, address, made).name
            case "endpoint":
                document = parse_online_endpoint({"name": f"doomed-{new_id()[-12:]}"})
                return house.endpoints.create(SYSTEM, address, document).name
            case "deployment":
                self._world._deployment(self._scope, "doomed", self._scope)
                return "doomed"
            case "file":
                path = f"doomed/{new_id()[-12:]}"
                self._world.put(self._scope, path)
                return path
            case "assessment":
                return house.llm_traces.assess(SYSTEM, address, "tr-isolated", GOOD).id
        assert what == "webhook", what
        made = WebhookChange(name="doomed", url="https://example.com/", events=("job.*",))
        self.litter.append("")
        return house.webhooks.create(SYSTEM, address, made).id

    def _parts(self, *, whole: bool) -> str:
        """An upload in parts of who asks, where it may make one: those of others are not there for it."""
        files = f"/mlflow/workspaces/{self['scope']}/api/2.0/mlflow-artifacts/mpu"
        body = {"path": "/tmp/g.txt", "num_parts": 1}
        begun = self._world.ask("POST", f"{files}/create/runs/{self['run']}", self._who.key, json=body)
        if begun.status_code != 200:
            return "0" * 32
        upload: str = begun.json()["upload_id"]
        if whole:
            part = begun.json()["credentials"][0]["url"]
            assert self._world.ask("PUT", part, content=TEXT).status_code == 200
        return upload

    def version(self) -> dict[str, Any]:
        """The version that is there already, said again."""
        files = [{"path": "f.txt", "digest": digest_of(TEXT), "size": len(TEXT)}]
        return {"name": self._name, "version": "1", "files": files, "spec": SPECS.get(self._kind, {})}


def _filled(body: Any, places: _Lazy) -> Any:
    if isinstance(body, str):
        return string.Formatter().vformat(body, (), places) if body.startswith("{") else body
    if isinstance(body, dict):
        return {key: _filled(value, places) for key, value in body.items()}
    return [_filled(one, places) for one in body] if isinstance(body, list) else body


GROUP = "/subscriptions/default/resourceGroups/one"
ABOVE = {"installation": "/", "subscription": "/subscriptions/default", "group": GROUP, "new group": GROUP}
"""The places above the scopes."""


def expected(verb: Verb, who: Somebody, world: World, scope: Scope, kind: AssetKind, name: str) -> int:
    """What the table says."""
    if who.key is None or who.role == "":
        return 401
    home = world.path(scope)
    if verb.at == "anywhere":
        return verb.ok if who.may_inside(verb.can, "/") else 403
    if (above := ABOVE.get(verb.at.removeprefix("below the "))) is not None:
        may = who.may if verb.at in ABOVE else who.may_inside
        if verb.can == "nothing" or may(verb.can, above):
            return verb.ok
        seen = ABOVE["subscription"] if verb.at == "new group" else above  # a group to be made need not be there
        return verb.hidden if verb.sees and not who.may_inside(verb.sees, seen) else 403
    if not (who.may("see scope", home) or who.may_inside("see assets", home)):
        return verb.unknown
    if verb.at == "inside":
        return _inside(verb, who, home)
    if verb.at == "file" and not any(who.may_inside(one, home) for one in WRITERS):
        return 403
    place = world.path(scope, kind, name) if verb.at == "asset" else home
    if verb.sees and not who.may(verb.sees, place):
        return verb.hidden
    return verb.ok if who.may(verb.can, place) else 403


def _inside(verb: Verb, who: Somebody, home: str) -> int:
    """What is asked at a scope and at everything in it."""
    if verb.can in {"see jobs", "write jobs"}:
        if who.may_inside(verb.can, home):
            return verb.ok
        return 403 if verb.sees and who.may(verb.sees, home) else verb.hidden
    able = any(who.may_inside(one, home) for one in (WRITERS if verb.can == "bring bytes" else ("see assets",)))
    return verb.ok if able or verb.can == "see" else 403


def said(answer: httpx.Response) -> Any:
    """The body without what differs between any two answers."""
    body = json.loads(answer.content) if answer.content else None
    return {key: value for key, value in body.items() if key != "request_id"} if isinstance(body, dict) else body
