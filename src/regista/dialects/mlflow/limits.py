"""What may be logged under which name: the protocol's limits and its sentences about them."""

import posixpath
import re
from collections.abc import Iterable, Sequence

from regista.dialects.mlflow.errors import too_long, wrong_value
from regista.dialects.mlflow.wire import MetricWire, Tag
from regista.errors import AbsentError, InvalidError

MAX_KEY = 250
MAX_PARAM = 6000
MAX_TAG = 8000
MAX_EXPERIMENT_TAG = 20_000
MAX_REGISTRY_TAG = 100_000
MAX_BATCH_BYTES = 1_000_000
MAX_METRICS = 1000
MAX_PAIRS = 100

_PLAIN = re.compile(r"[A-Za-z0-9_][\w\- :]{0,249}", re.ASCII)
"""Names that need no closer look; nearly all are of this form."""
_PLAIN_LINES = re.compile(rf"(?:{_PLAIN.pattern}\n)*+", re.ASCII)
_KEY = re.compile(r"[/\w.\- :]*")
_CHARACTERS = "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/)."


def check_key(key: str, place: str) -> str:
    """Return *key* when a metric, parameter or tag may be called so."""
    if _PLAIN.fullmatch(key):
        return key
    if not _KEY.fullmatch(key):
        raise wrong_value(place, key, _CHARACTERS)
    normal = posixpath.normpath(key)
    if normal != key or normal == "." or normal.startswith(("..", "/")):
        raise wrong_value(
            place,
            key,
            "Names may be treated as files in certain cases, and must not resolve to other names"
            f" when treated as such. This name would resolve to {normal!r}",
        )
    if len(key) > MAX_KEY:
        raise too_long(place, MAX_KEY)
    return key


def check_metrics(metrics: Sequence[MetricWire]) -> None:
    """Raise ``InvalidError`` for a measurement that cannot be."""
    names = {metric.key for metric in metrics}
    lines = "".join([f"{name}\n" for name in names])
    if _PLAIN_LINES.fullmatch(lines) and lines.count("\n") == len(names) and all(m.timestamp >= 0 for m in metrics):
        return  # nearly all are, and there may be a thousand
    for index, metric in enumerate(metrics):
        check_key(metric.key, f"metrics[{index}].name")
        if metric.timestamp < 0:
            raise wrong_value(
                f"metrics[{index}].timestamp",
                metric.timestamp,
                f"metric '{metric.key}' (value={metric.value}). Timestamp must be a nonnegative long (64-bit integer) ",
            )


def pairs(given: Iterable[Tag], what: str, limit: int) -> dict[str, str]:
    """Parameters or tags as a mapping; a value over *limit* is cut, as MLflow's own server does."""
    return {check_key(one.key, f"{what}[{index}].key"): one.value[:limit] for index, one in enumerate(given)}


def params(given: Sequence[Tag]) -> dict[str, str]:
    """Parameters; raise ``InvalidError`` when one is there twice."""
    found = pairs(given, "params", MAX_PARAM)
    if len(found) < len(given):
        keys = [one.key for one in given]
        doubled = sorted({key for key in keys if keys.count(key) > 1})
        raise InvalidError(
            f"Duplicate parameter keys have been submitted: {doubled}. Please ensure the request contains only one param"
            " value per param key."
        )
    return found


def check_batch(metrics: int, params: int, tags: int) -> None:
    """Raise ``InvalidError`` for more than one request may carry."""
    for what, count, limit in (
        ("metrics", metrics, MAX_METRICS),
        ("params", params, MAX_PAIRS),
        ("tags", tags, MAX_PAIRS),
        ("metrics, params, and tags", metrics + params + tags, MAX_METRICS),
    ):
        if count > limit:
            raise InvalidError(
                f"A batch logging request can contain at most {limit} {what}. Got {count} {what}."
                f" Please split up {what} across multiple requests and try again."
            )


def check_size(size: int) -> None:
    """Raise ``InvalidError`` for a batch of too many bytes."""
    if size > MAX_BATCH_BYTES:
        raise InvalidError(
            f"Batched logging API requests must be at most {MAX_BATCH_BYTES} bytes, got a request of size {size}."
        )


def tag_value(value: str, limit: int) -> str:
    """Return *value*; raise ``InvalidError`` when it is over *limit*."""
    if len(value) > limit:
        raise too_long("value", limit)
    return value


def check_results(count: int, limit: int) -> int:
    """How many results are asked for; raise ``InvalidError`` for none and for more than *limit*."""
    if count < 1:
        raise InvalidError(f"Invalid value {count} for parameter 'max_results' supplied: It must be a positive integer")
    if count > limit:
        raise InvalidError(
            f"Invalid value {count} for parameter 'max_results' supplied: It must be at most {limit},"
            f" but got value {count}"
        )
    return count


def experiment_number(text: str) -> int:
    """The experiment that an id means."""
    if text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    if text.isascii() and text[:1] == "-" and text[1:].isdigit():
        raise AbsentError(f"there is no experiment {text[:100]}", what="experiment", name=text[:100])
    raise InvalidError(f"Invalid experiment ID '{text[:100]}'. Experiment ID must be a valid integer.")
