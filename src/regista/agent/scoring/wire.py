"""JSON in and out."""

from __future__ import annotations

from typing import Any

import msgspec

from .faults import BadRequestError, ModelError
from .prediction import jsonable

_encoder = msgspec.json.Encoder(enc_hook=jsonable)


def decode(body: bytes) -> Any:
    """The JSON value in *body*; raise ``BadRequestError`` if there is none."""
    if not body:
        raise BadRequestError("the body is empty")
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequestError(f"the body is not JSON: {error}") from error
    except RecursionError:
        raise BadRequestError("the body is nested too deeply") from None


def encode(value: Any) -> bytes:
    """*value* as JSON; NaN and infinity become null. Raise ``ModelError`` for what JSON cannot say."""
    try:
        return _encoder.encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise ModelError(f"the answer cannot be written as JSON: {error}") from error
