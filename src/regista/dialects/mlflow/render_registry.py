"""Registered models and their versions as MLflow's clients read them."""

from collections.abc import Sequence

from regista.dialects.mlflow.answers import VersionAnswer
from regista.dialects.mlflow.call import Call
from regista.dialects.mlflow.render import Json, tags
from regista.entities.asset import Asset, AssetVersion

NO_STAGE = "None"
STAGES = (NO_STAGE, "Staging", "Production", "Archived")
_STAGE = {stage.lower(): stage for stage in STAGES}


def stage_of(version: AssetVersion) -> str:
    """The stage; every version has one of the four, whatever Regista's own stages are."""
    return "Archived" if version.archived else _STAGE.get(version.stage.lower(), NO_STAGE)


def model(call: Call, asset: Asset, latest: Sequence[AssetVersion]) -> Json:
    """A registered model with the latest version of each stage."""
    return {
        "name": asset.name,
        "creation_timestamp": asset.created_at,
        "last_updated_timestamp": asset.updated_at,
        "description": asset.description,
        "latest_versions": [version(call, one, asset) for one in latest],
        "tags": tags(asset.tags),
        "aliases": [{"alias": alias, "version": number} for alias, number in sorted(asset.aliases.items())],
    }


def version(call: Call, one: AssetVersion, asset: Asset | None) -> VersionAnswer:
    """A version; its bytes were there before its name, so it is always ready."""
    aliases = asset.aliases.items() if asset else ()
    return VersionAnswer(
        name=one.name,
        version=one.version,
        creation_timestamp=one.created_at,
        last_updated_timestamp=one.updated_at,
        user_id=one.created_by,
        current_stage=stage_of(one),
        description=one.description,
        source=source_of(call, one),
        run_id=one.run,
        run_link=one.source.get("run_link", ""),
        model_id=one.source.get("model_id", ""),
        status="READY",
        tags=tags(one.tags),
        aliases=sorted(alias for alias, number in aliases if number == one.version),
    )


def source_of(call: Call, one: AssetVersion) -> str:
    """Where it came from, as it was said; else where it is."""
    return one.origin or call.uri(f"versions/{one.id}")
