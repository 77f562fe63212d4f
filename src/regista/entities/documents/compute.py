"""Compute documents."""

import msgspec

from regista.entities.compute import ComputeFields, ComputeType, without_secrets
from regista.entities.documents.reading import Fields, invalid

_KEPT = (
    "network_settings ssh_settings ssh_public_access_enabled identity enable_node_public_ip namespace properties schedules "
    "setup_scripts custom_applications create_on_behalf_of enable_sso enable_root_access release_quota_on_stop "
    "enable_os_patching scale_settings auto_pause_settings"
).split()
"""What is kept as it was written: its names are those of Azure ML's YAML, and it has no meaning here."""

_READ_ONLY = (
    "id state created_on provisioning_state provisioning_errors last_operation services os_image_metadata node_count "
    "node_family node_size spark_version compute_location"
).split()
_MOST = 1_000_000


class ComputeDocument(ComputeFields, frozen=True, kw_only=True, omit_defaults=True):
    """A compute as it was written, without secrets."""

    ignored: tuple[str, ...] = ()


def parse_compute(mapping: object, *, where: str = "") -> ComputeDocument:
    """Read a compute document. Passwords and private keys in it are dropped unread: no machine is opened with them."""
    fields = Fields.of(mapping, where)
    kind = fields.choice("type", [str(one) for one in ComputeType])
    if not kind:
        raise invalid(fields.at("type"), "this field is required", hint=f"One of {', '.join(ComputeType)}.")
    tier = fields.choice("tier", ("dedicated", "low_priority", "lowpriority"))
    document = ComputeDocument(
        name=fields.name("name", "compute", required=True),
        type=ComputeType(kind),
        description=fields.text("description"),
        tags=fields.texts("tags"),
        location=fields.text("location"),
        size=fields.text("size"),
        tier={"lowpriority": "low_priority"}.get(tier, tier),
        min_instances=fields.integer("min_instances", most=_MOST),
        max_instances=fields.integer("max_instances", most=_MOST),
        idle_time=_idle(fields),
        resource_id=fields.text("resource_id"),
        spec={key: without_secrets(value) for key in _KEPT if (value := fields.take(key)) is not None},
    )
    fields.ignore(*_READ_ONLY)
    fields.done()
    if document.max_instances and document.min_instances > document.max_instances:
        raise invalid(fields.at("min_instances"), "there are more of them than max_instances")
    return msgspec.structs.replace(document, ignored=tuple(fields.ignored))


def _idle(fields: Fields) -> int:
    """Until a cluster scales down (seconds), or until an instance stops (minutes, or a text such as PT30M)."""
    seconds = fields.integer("idle_time_before_scale_down", most=_MOST)
    minutes = fields.integer("idle_time_before_shutdown_minutes", most=_MOST)
    text = fields.text("idle_time_before_shutdown")
    if text and not minutes:
        number = text.upper().removeprefix("PT").removesuffix("M")
        if not number.isdecimal() or len(number) > len(str(_MOST)):
            raise invalid(fields.at("idle_time_before_shutdown"), "expected minutes, such as PT30M")
        minutes = int(number)
    return seconds or minutes * 60
