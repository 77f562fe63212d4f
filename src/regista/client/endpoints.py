"""Online endpoints and deployments, from the client's side."""

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from regista.client.documents import apply_overrides, load_document
from regista.client.embedding import Embedder
from regista.client.paging import pages
from regista.entities.documents.endpoint import parse_online_deployment, parse_online_endpoint
from regista.entities.endpoint import AuthMode, Deployment, DeploymentState, TrafficChange
from regista.entities.endpoint_views import EndpointKeys, EndpointToken, EndpointView, LogPart
from regista.entities.page import Page
from regista.entities.preflight import Check
from regista.entities.reference import is_reference
from regista.entities.why import WhyReport
from regista.errors import ConflictError, InvalidError, UnavailableError

if TYPE_CHECKING:
    from regista.client.session import Regista

_FINAL = {DeploymentState.SUCCEEDED, DeploymentState.FAILED}
_LOOK_SECONDS = 0.25
_PATIENCE_SECONDS = 3600.0

Report = Callable[[str], None]


class EndpointClient:
    """Online endpoints of the client's workspace."""

    def __init__(self, session: "Regista") -> None:
        self._session = session

    def create(self, file: Path | None = None, *, overrides: tuple[str, ...] = (), **fields: Any) -> EndpointView:
        """Make an endpoint from a YAML *file*, from *fields* of the same names, or from both; a taken name is refused."""
        document = _document(file, overrides, fields)
        parse_online_endpoint(document, where=str(file or ""))
        return self._session.transport.call("POST", _base(self._session), body=document, type=EndpointView)

    def get(self, name: str) -> EndpointView:
        """By name."""
        return self._session.transport.call("GET", _place(self._session, name), type=EndpointView)

    def update(self, name: str, **changes: Any) -> EndpointView:
        """Change description, tags, properties, traffic (all shares) or mirror_traffic."""
        given = {key: value for key, value in changes.items() if value is not None}
        if not given:
            raise InvalidError("nothing was given to change", hint="Such as --traffic or --tags.")
        return self._session.transport.call("PATCH", _place(self._session, name), body=given, type=EndpointView)

    def delete(self, name: str) -> None:
        """Delete it with all its deployments."""
        self._session.transport.call("DELETE", _place(self._session, name))

    def keys(self, name: str) -> EndpointKeys:
        """Its keys."""
        return self._session.transport.call("POST", f"{_place(self._session, name)}/keys", type=EndpointKeys)

    def token(self, name: str) -> EndpointToken:
        """A token that opens it, where tokens do (``auth_mode`` aml_token or aad_token)."""
        return self._session.transport.call("POST", f"{_place(self._session, name)}/token", type=EndpointToken)

    def credentials(self, name: str) -> EndpointKeys | EndpointToken:
        """Whatever opens it: its keys, or a token."""
        return self.keys(name) if self.get(name).auth_mode == AuthMode.KEY else self.token(name)

    def regenerate_key(self, name: str, which: str = "primary") -> EndpointKeys:
        """Replace the primary or the secondary key."""
        path = f"{_place(self._session, name)}/keys/{quote(which, safe='')}/regenerate"
        return self._session.transport.call("POST", path, type=EndpointKeys)

    def traffic(self, name: str) -> list[TrafficChange]:
        """Every change of its traffic, oldest first."""
        return self._session.transport.call("GET", f"{_place(self._session, name)}/traffic", type=list[TrafficChange])

    def why(self, name: str, at: int | None = None) -> WhyReport:
        """What was behind it at a time (milliseconds since 1970; None: now), traced back."""
        query = {"at": at} if at is not None else None
        return self._session.transport.call("GET", f"{_place(self._session, name)}/why", query=query, type=WhyReport)

    def invoke(self, name: str, body: bytes, *, deployment: str = "", content_type: str = "application/json") -> bytes:
        """Send *body* to the endpoint's scoring address, by its primary key or a token; the answer's bytes.

        Raise ``InvalidError`` for what the endpoint refuses, ``UnavailableError`` when it does not answer well."""
        import urllib3

        from regista.client.tls import tls_context

        endpoint = self.get(name)
        opens = self.keys(name).primary_key if endpoint.auth_mode == AuthMode.KEY else self.token(name).access_token
        headers = {"Authorization": f"Bearer {opens}", "Content-Type": content_type}
        if deployment:
            headers["azureml-model-deployment"] = deployment
        with urllib3.PoolManager(ssl_context=tls_context(self._session.transport.ca)) as pool:
            try:
                answer = pool.request(
                    "POST", endpoint.scoring_uri, body=body, headers=headers, retries=False, redirect=False
                )
            except urllib3.exceptions.HTTPError as gone:
                raise UnavailableError(
                    f"{endpoint.scoring_uri} does not answer", hint="Its gateway listens on the server's machine."
                ) from gone
        if answer.status == 200:
            return answer.data
        said = answer.data[:2000].decode(errors="replace")
        kind = InvalidError if answer.status < 500 else UnavailableError
        raise kind(
            f"endpoint {name!r} answered {answer.status}: {said}",
            hint=f"See: regista online-deployment get-logs --endpoint-name {name} --name DEPLOYMENT",
        )

    def list(self) -> Iterator[EndpointView]:
        """The endpoints of the workspace, newest first."""
        return pages(self._session.transport, _base(self._session), Page[EndpointView])


class DeploymentClient:
    """Online deployments of the client's workspace."""

    def __init__(self, session: "Regista") -> None:
        self._session = session

    def create(
        self, file: Path | None = None, *, overrides: tuple[str, ...] = (), wait: bool = True, **fields: Any
    ) -> Deployment:
        """Make a deployment from a YAML *file*, from *fields*, or from both: local code and models are uploaded, and then
        it is waited for. A taken name is refused; what would fail is refused with its reasons."""
        return self._put("create", file, overrides, fields, wait=wait)

    def update(
        self, file: Path | None = None, *, overrides: tuple[str, ...] = (), wait: bool = True, **fields: Any
    ) -> Deployment:
        """Change a deployment to what the document says; what serves now goes on until the new version is ready."""
        return self._put("update", file, overrides, fields, wait=wait)

    def can_i_deploy(self, file: Path | None = None, *, overrides: tuple[str, ...] = (), **fields: Any) -> list[Check]:
        """Everything that would make the deployment fail, each with its fix."""
        document = self._embedded(file, overrides, fields)
        path = f"/api/v1/{self._session.scope_path}/onlineDeployments/preflight"
        return self._session.transport.call("POST", path, body=document, type=list[Check])

    def get(self, endpoint: str, name: str) -> Deployment:
        """By name."""
        return self._session.transport.call("GET", self._place(endpoint, name), type=Deployment)

    def delete(self, endpoint: str, name: str) -> None:
        """Delete one that gets no traffic."""
        self._session.transport.call("DELETE", self._place(endpoint, name))

    def log(
        self, endpoint: str, name: str, *, instance: int = 0, offset: int = 0, preparation: bool = False
    ) -> LogPart:
        """What an instance wrote, or what was done to prepare it; a negative offset counts from the end."""
        query = {"instance": instance, "offset": offset, "preparation": preparation}
        return self._session.transport.call("GET", f"{self._place(endpoint, name)}/logs", query=query, type=LogPart)

    def wait(self, endpoint: str, name: str, *, seconds: float = _PATIENCE_SECONDS) -> Deployment:
        """The deployment once it serves; raise ``ConflictError`` with its reason when it failed."""
        end = time.monotonic() + seconds
        while (found := self.get(endpoint, name)).state not in _FINAL:
            if time.monotonic() > end:
                raise UnavailableError(
                    f"deployment {name!r} is still {found.state}", hint="It goes on; look again later."
                )
            time.sleep(_LOOK_SECONDS)
        if found.state is DeploymentState.FAILED:
            raise ConflictError(
                f"deployment {name!r} failed: {found.message}",
                hint=f"See: regista online-deployment get-logs --endpoint-name {endpoint} --name {name}",
            )
        return found

    def _put(
        self, only: str, file: Path | None, overrides: tuple[str, ...], fields: Mapping[str, Any], *, wait: bool
    ) -> Deployment:
        document = self._embedded(file, overrides, fields)
        endpoint, name = document["endpoint_name"], document["name"]
        made = self._session.transport.call(
            "PUT", self._place(endpoint, name), query={"only": only}, body=document, type=Deployment, idempotent=False
        )
        return self.wait(endpoint, name) if wait else made

    def _embedded(self, file: Path | None, overrides: tuple[str, ...], fields: Mapping[str, Any]) -> dict[str, Any]:
        """The document as the server takes it: checked, local paths uploaded, an inline model registered."""
        document = _document(file, overrides, fields)
        folder = file.resolve().parent if file else Path.cwd()
        parse_online_deployment(document, where=str(file or ""))
        Embedder(self._session.transport, self._session.scope_path).embed(document, "online_deployment", folder)
        if isinstance(model := document.get("model"), dict):
            document["model"] = self._registered(model)
        return document

    def _registered(self, model: dict[str, Any]) -> str:
        """A reference to an inline model: the anonymous one that was uploaded, or (by name) one that is registered now."""
        path = str(model.get("path", ""))
        if not model.get("name"):
            if is_reference(path):
                return path
            raise InvalidError("model: an inline model needs a path", hint="Or name a registered one.")
        made = self._session.models.create(**{key: value for key, value in model.items() if key != "$schema"})
        return f"azureml:{made.name}:{made.version}"

    def _place(self, endpoint: str, name: str) -> str:
        return f"{_place(self._session, endpoint)}/deployments/{quote(name, safe='')}"

    def list(self, endpoint: str) -> list[Deployment]:
        """The deployments of an endpoint, by name."""
        path = f"{_place(self._session, endpoint)}/deployments"
        return self._session.transport.call("GET", path, type=list[Deployment])


def _document(file: Path | None, overrides: tuple[str, ...], fields: Mapping[str, Any]) -> dict[str, Any]:
    given = {key: value for key, value in fields.items() if value is not None}
    return apply_overrides((load_document(file) if file else {}) | given, overrides)


def _base(session: "Regista") -> str:
    return f"/api/v1/{session.scope_path}/onlineEndpoints"


def _place(session: "Regista", name: str) -> str:
    return f"{_base(session)}/{quote(name, safe='')}"
