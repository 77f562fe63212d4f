"""A specification as its author wrote it -> what to ask of the package index. Nothing here touches disk or network."""

from regista.drivers.runtimes.curated import curated
from regista.drivers.runtimes.uv.conda import add_conda
from regista.drivers.runtimes.uv.dockerfile import add_dockerfile, add_image, is_python_image
from regista.drivers.runtimes.uv.draft import Draft, PackageRequest, shown
from regista.drivers.runtimes.uv.instructions import NEEDS_CONTAINER
from regista.drivers.runtimes.uv.requirement import add_pip_lines
from regista.entities.environment import EnvironmentSpec
from regista.errors import InvalidError, RegistaError, UnsupportedError


def translate(spec: EnvironmentSpec) -> PackageRequest:
    """Return the packages *spec* asks for.

    Raise ``InvalidError`` for what is wrong whoever builds it, ``UnsupportedError`` for what needs another runtime."""
    return _read(spec).request()


def failures(spec: EnvironmentSpec) -> list[RegistaError]:
    """Everything ``translate`` would fail on, not just the first."""
    return _read(spec).failures


def _read(spec: EnvironmentSpec) -> Draft:
    draft = Draft()
    with draft.noting():
        _check_shape(spec)
        if spec.dockerfile is not None:
            add_dockerfile(draft, spec.dockerfile, spec.context_files, _add_curated)
        if spec.image is not None:
            _add_image_of(spec, spec.image, draft)
        if spec.conda is not None:
            add_conda(draft, spec.conda)
        add_pip_lines(draft, spec.pip, "pip")
    return draft


def _check_shape(spec: EnvironmentSpec) -> None:
    if spec.os_type.lower() != "linux":
        raise UnsupportedError(
            f"os_type {shown(spec.os_type)} is not built by the uv runtime", hint="Use os_type: linux."
        )
    if spec.dockerfile is None and spec.context is not None and spec.conda is None and not spec.pip:
        raise UnsupportedError(
            "a build context without its Dockerfile needs the container runtime", hint=NEEDS_CONTAINER
        )
    if not (spec.image or spec.conda is not None or spec.pip or spec.dockerfile is not None):
        raise InvalidError(
            "the environment says nothing", hint="Give at least one of conda_file, pip requirements, image or build."
        )


def _add_image_of(spec: EnvironmentSpec, image: str, draft: Draft) -> None:
    """With packages an image is the ground below them; alone it has to be one whose contents are known."""
    if spec.conda is not None:
        # Azure installs a conda file as an environment of its own beside the image's: nothing of the image is in it.
        draft.warn(f"image {shown(image)} is not used by the uv runtime: packages come from the package index")
    elif spec.pip or is_python_image(image):
        add_image(draft, image, _add_curated)
    elif not _add_curated(draft, image):
        raise UnsupportedError(f"image {shown(image)} needs the container runtime", hint=NEEDS_CONTAINER)


def _add_curated(draft: Draft, image: str) -> bool:
    known = curated(image)
    if known is None:
        return False
    base = translate(known)
    draft.python = base.python
    for line in base.requirements:
        draft.underlay(line)
    draft.warn(f"image {shown(image)} is taken as the packages of that curated name")
    return True
