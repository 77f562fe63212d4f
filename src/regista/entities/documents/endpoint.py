"""Online endpoint and online deployment documents."""

import msgspec

from regista.entities.asset import AssetKind
from regista.entities.documents.environment import EnvironmentDocument, read_environment_field, read_variables
from regista.entities.documents.model import ModelDocument, read_model
from regista.entities.documents.reading import Fields, invalid, located
from regista.entities.endpoint import AuthMode
from regista.entities.manifest import check_path

_READ_ONLY = ("id", "provisioning_state", "scoring_uri", "openapi_uri", "kind", "location", "creation_context")
_MAX_MIRROR = 50


class OnlineEndpointDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An online endpoint as it was written. ``traffic`` is None, and ``auth_mode`` empty, where nothing is said about it."""

    name: str
    auth_mode: str = ""
    description: str = ""
    tags: dict[str, str] = {}
    properties: dict[str, str] = {}
    traffic: dict[str, int] | None = None
    mirror_traffic: dict[str, int] | None = None
    ignored: tuple[str, ...] = ()


class CodeConfiguration(msgspec.Struct, frozen=True, kw_only=True):
    """Scoring code: a folder (local or referred to) and the script in it that has ``init`` and ``run``."""

    code: str
    scoring_script: str


class RequestSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How one instance takes requests."""

    request_timeout_ms: int = 5000
    max_concurrent_requests_per_instance: int = 1
    max_queue_wait_ms: int = 500


class ProbeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """When an instance counts as alive or ready; times in seconds."""

    initial_delay: int = 10
    period: int = 10
    timeout: int = 2
    success_threshold: int = 1
    failure_threshold: int = 30


class OnlineDeploymentDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An online deployment as it was written. Model and environment are references or inline; an MLflow model needs neither
    environment nor code."""

    name: str
    endpoint_name: str
    description: str = ""
    tags: dict[str, str] = {}
    properties: dict[str, str] = {}
    model: str | ModelDocument = ""
    environment: str | EnvironmentDocument = ""
    code_configuration: CodeConfiguration | None = None
    environment_variables: dict[str, str] = {}
    instance_type: str = ""
    instance_count: int = 1
    request_settings: RequestSettings = RequestSettings()
    liveness_probe: ProbeSettings = ProbeSettings()
    readiness_probe: ProbeSettings = ProbeSettings()
    ignored: tuple[str, ...] = ()


def parse_online_endpoint(mapping: object, *, where: str = "") -> OnlineEndpointDocument:
    """Read an online endpoint document. Traffic is all 0 or 100 percent together; at most 50 go to one mirror."""
    fields = Fields.of(mapping, where)
    document = OnlineEndpointDocument(
        name=fields.name("name", "endpoint", required=True),
        auth_mode=fields.choice("auth_mode", tuple(AuthMode)),
        description=fields.text("description"),
        tags=fields.texts("tags"),
        properties=fields.texts("properties"),
        traffic=_percentages(fields, "traffic"),
        mirror_traffic=_percentages(fields, "mirror_traffic"),
    )
    fields.ignore(*_READ_ONLY, "identity", "compute", "public_network_access")
    fields.done()
    if sum((document.traffic or {}).values()) not in {0, 100}:
        raise invalid(fields.at("traffic"), "the percentages make neither 0 nor 100 together")
    mirror = [share for share in (document.mirror_traffic or {}).values() if share]
    if len(mirror) > 1 or sum(mirror) > _MAX_MIRROR:
        raise invalid(fields.at("mirror_traffic"), f"at most {_MAX_MIRROR} percent go to at most one deployment")
    return msgspec.structs.replace(document, ignored=tuple(fields.ignored))


def _percentages(fields: Fields, key: str) -> dict[str, int] | None:
    inner = fields.inner(key)
    if inner is None:
        return None
    names = fields.each(key, "deployment")
    return {name: inner.integer(name, most=100) for name in names}


def parse_online_deployment(mapping: object, *, where: str = "") -> OnlineDeploymentDocument:
    """Read an online deployment document."""
    fields = Fields.of(mapping, where)
    document = OnlineDeploymentDocument(
        name=fields.name("name", "deployment", required=True),
        endpoint_name=fields.name("endpoint_name", "endpoint", required=True),
        description=fields.text("description"),
        tags=fields.texts("tags"),
        properties=fields.texts("properties"),
        model=_model(fields),
        environment=read_environment_field(fields),
        code_configuration=_code(fields),
        environment_variables=read_variables(fields),
        instance_type=fields.text("instance_type"),
        instance_count=fields.integer("instance_count", 1, least=1, most=1000),
        request_settings=_requests(fields),
        liveness_probe=_probe(fields, "liveness_probe"),
        readiness_probe=_probe(fields, "readiness_probe"),
    )
    fields.choice("type", ("managed", "kubernetes"))
    fields.ignore(*_READ_ONLY, "app_insights_enabled", "scale_settings", "data_collector", "model_mount_path")
    fields.ignore("egress_public_network_access", "private_network_connection", "resources", "startup_probe")
    fields.done()
    return msgspec.structs.replace(document, ignored=tuple(fields.ignored))


def _model(fields: Fields) -> str | ModelDocument:
    if isinstance(fields.take("model"), dict) and (inner := fields.inner("model")) is not None:
        return read_model(inner)
    return fields.reference("model", AssetKind.MODEL)


def _code(fields: Fields) -> CodeConfiguration | None:
    inner = fields.inner("code_configuration")
    if inner is None:
        return None
    script = inner.text("scoring_script", required=True).removeprefix("./")
    located(inner.at("scoring_script"), lambda: check_path(script))
    spec = CodeConfiguration(code=inner.reference("code", AssetKind.CODE, required=True), scoring_script=script)
    inner.done()
    return spec


def _requests(fields: Fields) -> RequestSettings:
    inner = fields.inner("request_settings")
    if inner is None:
        return RequestSettings()
    settings = RequestSettings(
        request_timeout_ms=inner.integer("request_timeout_ms", 5000, least=1),
        max_concurrent_requests_per_instance=inner.integer("max_concurrent_requests_per_instance", 1, least=1),
        max_queue_wait_ms=inner.integer("max_queue_wait_ms", 500),
    )
    inner.done()
    return settings


def _probe(fields: Fields, key: str) -> ProbeSettings:
    inner = fields.inner(key)
    if inner is None:
        return ProbeSettings()
    probe = ProbeSettings(
        initial_delay=inner.integer("initial_delay", 10),
        period=inner.integer("period", 10, least=1),
        timeout=inner.integer("timeout", 2, least=1),
        success_threshold=inner.integer("success_threshold", 1, least=1),
        failure_threshold=inner.integer("failure_threshold", 30, least=1),
    )
    inner.ignore("path", "port", "scheme", "method")
    inner.done()
    return probe
