"""Environment documents: an image, a conda file, a build context, or (ours) a list of pip requirements."""

from typing import Any

import msgspec

from regista.entities.asset import AssetKind
from regista.entities.documents.reading import Fields, invalid, located
from regista.entities.names import check_version


class BuildSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A build context: a local folder, or a reference to its content, and the Dockerfile in it."""

    path: str
    dockerfile_path: str = "Dockerfile"


class EnvironmentDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An environment as it was written. ``conda_file`` is the parsed file; as text it is a local path when it has one
    line, and the file's own text otherwise. ``pip`` is requirement lines, or the local path of a file of them."""

    name: str = ""
    version: str = ""
    description: str = ""
    tags: dict[str, str] = {}
    properties: dict[str, str] = {}
    image: str = ""
    conda_file: dict[str, Any] | str = ""
    pip: tuple[str, ...] | str = ()
    build: BuildSpec | None = None
    os_type: str = "linux"
    environment_variables: dict[str, str] = {}
    inference_config: dict[str, Any] = {}
    ignored: tuple[str, ...] = ()


def parse_environment(mapping: object, *, where: str = "", anonymous: bool = False) -> EnvironmentDocument:
    """Read an environment document. *anonymous*: a name is not required."""
    fields = Fields.of(mapping, where)
    document = read_environment(fields, anonymous=anonymous)
    return msgspec.structs.replace(document, ignored=tuple(fields.ignored))


def read_environment(fields: Fields, *, anonymous: bool = True) -> EnvironmentDocument:
    """The environment in *fields*, e.g. inline in a job."""
    document = EnvironmentDocument(
        name=fields.name("name", "environment", required=not anonymous),
        version=read_version(fields),
        description=fields.text("description"),
        tags=fields.texts("tags"),
        properties=fields.texts("properties"),
        image=fields.text("image"),
        conda_file=_conda(fields),
        pip=_pip(fields),
        build=_build(fields),
        os_type=fields.choice("os_type", ("linux", "windows"), "linux"),
        environment_variables=read_variables(fields),
        inference_config=fields.mapping("inference_config"),
    )
    fields.ignore("id", "creation_context", "latest_version", "datastore", "auto_delete_setting")
    fields.ignore("intellectual_property", "stage", "is_anonymous")
    fields.done()
    if not (document.image or document.conda_file or document.pip or document.build):
        raise invalid(
            fields.where,
            "the environment is empty",
            hint="Give it an image, a conda_file, a list of pip requirements or a build context.",
        )
    if document.build and document.image:
        raise invalid(fields.at("build"), "an environment has an image or a build context, not both")
    return document


def read_environment_field(fields: Fields, key: str = "environment") -> str | EnvironmentDocument:
    """A field that refers to an environment or holds one; "" where there is none."""
    if isinstance(fields.take(key), dict) and (inner := fields.inner(key)) is not None:
        return read_environment(inner)
    return fields.reference(key, AssetKind.ENVIRONMENT)


def read_version(fields: Fields) -> str:
    """The field ``version``, as text; "" where it is not given."""
    text = fields.text("version")
    return located(fields.at("version"), lambda: check_version(text)) if text else ""


def read_variables(fields: Fields) -> dict[str, str]:
    """The field ``environment_variables``; a name without which the operating system could not set it is refused."""
    variables = fields.texts("environment_variables")
    for name in variables:
        if not name or "=" in name:
            raise invalid(fields.at("environment_variables"), f"{name[:80]!r} cannot name an environment variable")
    return variables


def names_a_file(text: str) -> bool:
    """Whether the text under ``pip`` is the path of a file of requirements, and not a requirement."""
    return "\n" not in text and ("/" in text or text.endswith((".txt", ".in"))) and "@" not in text


def _conda(fields: Fields) -> dict[str, Any] | str:
    value = fields.take("conda_file")
    if not isinstance(value, dict):
        return fields.text("conda_file")
    inner = Fields(value, fields.at("conda_file"), fields.ignored)
    for index, entry in enumerate(inner.items("dependencies")):
        lines = entry.get("pip") if isinstance(entry, dict) and len(entry) == 1 else None
        is_pip = isinstance(lines, list) and all(isinstance(line, str) for line in lines)
        if not (isinstance(entry, str) or is_pip):
            raise invalid(inner.at(f"dependencies[{index}]"), "expected a package, or {pip: [requirement, …]}")
    return value


def _pip(fields: Fields) -> tuple[str, ...] | str:
    value = fields.take("pip")
    if not isinstance(value, list):
        text = fields.text("pip")
        lines = [line.strip() for line in text.splitlines()]
        return text if names_a_file(text) else tuple(line for line in lines if line and not line.startswith("#"))
    for index, line in enumerate(value):
        if not isinstance(line, str) or "\n" in line or not line.strip():
            raise invalid(fields.at(f"pip[{index}]"), "expected one line that names a package")
    return tuple(line.strip() for line in value)


def _build(fields: Fields) -> BuildSpec | None:
    inner = fields.inner("build")
    if inner is None:
        return None
    spec = BuildSpec(
        path=inner.reference("path", required=True),
        dockerfile_path=inner.text("dockerfile_path", "Dockerfile"),
    )
    inner.done()
    return spec
