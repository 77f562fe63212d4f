"""How the same words are spelled on the wire and in documents: cases, modes, types."""

import re
from typing import Any

from regista.dialects.azureml.call import Json
from regista.errors import InvalidError

INPUT_MODES = {
    "ro_mount": "ReadOnlyMount",
    "rw_mount": "ReadWriteMount",
    "download": "Download",
    "direct": "Direct",
    "eval_mount": "EvalMount",
    "eval_download": "EvalDownload",
}
OUTPUT_MODES = {"rw_mount": "ReadWriteMount", "upload": "Upload", "direct": "Direct"}
DISTRIBUTIONS = {"pytorch": "PyTorch", "mpi": "Mpi", "tensorflow": "TensorFlow", "ray": "Ray"}
TYPES = ("uri_file", "uri_folder", "mltable", "literal", "custom_model", "mlflow_model", "triton_model")

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def snake(word: str) -> str:
    """``jobInputType`` as ``job_input_type``. What is in snake case already stays."""
    return _WORD.sub("_", word).lower()


def fields(value: object, where: str) -> Json:
    """A mapping with its keys in snake case and without nulls; raise ``InvalidError`` for anything else. The SDK writes the
    inside of pipelines in snake case, and everything else in camel case."""
    return {snake(key): one for key, one in mapping(value, where).items() if one is not None}


def mapping(value: object, where: str) -> Json:
    """A mapping as it stands, empty for null; raise ``InvalidError`` for anything else."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidError(f"{where}: expected an object, found {str(value)[:80]!r}")
    return value


def text(value: object, where: str) -> str:
    """A text, empty for null; raise ``InvalidError`` for anything else."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidError(f"{where}: expected a text, found {str(value)[:80]!r}")
    return value


def ours(word: object, spelled: dict[str, str]) -> Any:
    """A word of the wire as documents have it; what is not known stays, to be refused where it is read."""
    wanted = _plain(word)
    return next((key for key, value in spelled.items() if wanted in {_plain(key), _plain(value)}), word)


def data_type(word: object) -> Any:
    """The type of an input or an output: ``UriFolder`` and ``uri_folder`` are one."""
    return ours(word, {one: one for one in TYPES})


def _plain(word: object) -> str:
    return str(word).replace("_", "").lower()
