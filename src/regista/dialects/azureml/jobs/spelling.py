"""How the same words are spelled on the wire and in documents: cases, modes, types, durations."""

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
_DURATION = re.compile(
    r"P(?:(?P<days>\d{1,9})D)?(?:T(?:(?P<hours>\d{1,9})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,9})(?:\.\d+)?S)?)?"
)


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


def seconds(value: object, where: str) -> Any:
    """A duration of ISO 8601 in whole seconds, rounded up to one; a number stays. Raise ``InvalidError``."""
    if not isinstance(value, str) or value.isdecimal():
        return value
    found = _DURATION.fullmatch(value)
    if found is None or value in {"P", "PT"}:
        raise InvalidError(f"{where}: {value[:80]!r} is no duration", hint="Write it as PT300S.")
    days, hours, minutes, rest = (int(found[name] or 0) for name in ("days", "hours", "minutes", "seconds"))
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest or 1


def duration(whole: int) -> str:
    """Seconds in ISO 8601."""
    return f"PT{whole}S"
