"""Answering with a file, whole or in one range (RFC 9110, section 14)."""

import anyio.to_thread
from litestar.response import Stream

from regista.dialects.http import parse_range
from regista.dialects.streaming import read_ahead
from regista.services.content.opened import OpenFile


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
    chunks = read_ahead(opened.read(start, end), anyio.to_thread.run_sync)
    return Stream(chunks, status_code=status, media_type="application/octet-stream", headers=headers)
