"""Answering with a file, whole or in one range (RFC 9110, section 14)."""

import re

from litestar.response import Stream

from regista.errors import InvalidError
from regista.services.assets.assets import OpenFile


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """The half-open range that *header* asks of *size* bytes; None for no or several ranges, which are answered whole.

    Raise ``InvalidError`` for one that lies beyond the end."""
    match = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", header.strip())
    if not match or not any(match.groups()):
        return None
    first, last = match.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last) + 1, size) if first and last else size
    if start >= end:
        raise InvalidError(f"the range {header!r} lies beyond the {size} bytes of the file")
    return start, end


def file_response(opened: OpenFile, header: str) -> Stream:
    """Stream the file in chunks of 1 MiB, with its digest as the entity tag."""
    wanted = parse_range(header, opened.size)
    start, end = wanted or (0, opened.size)
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Length": str(end - start),
        "Content-Disposition": "attachment",
        "X-Content-Type-Options": "nosniff",
        "ETag": f'"{opened.digest}"',
    }
    if wanted:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{opened.size}"
    status = 206 if wanted else 200
    return Stream(opened.read(start, end), status_code=status, media_type="application/octet-stream", headers=headers)
