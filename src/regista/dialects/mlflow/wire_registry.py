"""What MLflow's clients send, of the model registry (version 2.0 of the REST API)."""

import msgspec

from regista.dialects.mlflow.wire import Int64, Tag, Text


class CreateModel(msgspec.Struct):
    """``POST registered-models/create``."""

    name: Text
    tags: list[Tag] = []
    description: str = ""


class ModelName(msgspec.Struct):
    """A registered model by its name."""

    name: Text


class RenameModel(msgspec.Struct):
    """``POST registered-models/rename``."""

    name: Text
    new_name: Text


class UpdateModel(msgspec.Struct):
    """``PATCH registered-models/update``."""

    name: Text
    description: str = ""


class SearchModels(msgspec.Struct):
    """``GET registered-models/search``."""

    filter: str = ""
    max_results: Int64 = 100
    order_by: list[str] = []
    page_token: str = ""


class LatestVersions(msgspec.Struct):
    """``GET registered-models/get-latest-versions``."""

    name: Text
    stages: list[str] = []


class ModelTag(msgspec.Struct):
    """``POST registered-models/set-tag`` and ``DELETE …/delete-tag``."""

    name: Text
    key: Text
    value: str = ""


class ModelAlias(msgspec.Struct):
    """``GET`` and ``DELETE registered-models/alias``."""

    name: Text
    alias: Text


class SetModelAlias(msgspec.Struct):
    """``POST registered-models/alias``."""

    name: Text
    alias: Text
    version: Text


class CreateVersion(msgspec.Struct):
    """``POST model-versions/create``."""

    name: Text
    source: Text
    run_id: str = ""
    run_link: str = ""
    tags: list[Tag] = []
    description: str = ""
    model_id: str = ""


class VersionName(msgspec.Struct):
    """A version by name and number."""

    name: Text
    version: Text


class UpdateVersion(msgspec.Struct):
    """``PATCH model-versions/update``."""

    name: Text
    version: Text
    description: str = ""


class VersionStage(msgspec.Struct):
    """``POST model-versions/transition-stage``."""

    name: Text
    version: Text
    stage: Text
    archive_existing_versions: bool = False


class VersionTag(msgspec.Struct):
    """``POST model-versions/set-tag`` and ``DELETE …/delete-tag``."""

    name: Text
    version: Text
    key: Text
    value: str = ""


class SearchVersions(msgspec.Struct):
    """``GET model-versions/search``."""

    filter: str = ""
    max_results: Int64 = 200_000
    order_by: list[str] = []
    page_token: str = ""
