"""XML as the protocol has it. What is read is one small grammar, by a pattern: no parser, so nothing to expand."""

import re
from email.utils import formatdate
from urllib.parse import quote
from xml.sax.saxutils import escape

from regista.dialects.azureblob.errors import ProtocolError
from regista.entities.datastore import StagedBlock, StoredFile
from regista.services.datastores.listing import Listing

_HEAD = "<?xml version='1.0' encoding='utf-8'?>"
_LIST = re.compile(rb"\s*(?:<\?xml[^<>?]{0,100}\?>)?\s*(?:<BlockList\s*/>|<BlockList>(.*)</BlockList>)\s*", re.DOTALL)
_BLOCK = re.compile(rb"\s*<(Latest|Uncommitted|Committed)>([A-Za-z0-9+/=]{1,100})</(Latest|Uncommitted|Committed)>\s*")
_IMPOSSIBLE = re.compile("[\x00-\x1f\ufffe\uffff]")


def block_ids(content: bytes) -> list[str]:
    """The ids in a list of blocks, in order; raise ``ProtocolError`` for anything that is not such a list."""
    content = content.removeprefix(b"\xef\xbb\xbf")
    match = _LIST.fullmatch(content)
    if match is None:
        raise _not_a_list()
    found, at, inner = [], 0, match[1] or b""
    if not inner.strip():
        return []
    while at < len(inner):
        one = _BLOCK.match(inner, at)
        if one is None or one[1] != one[3]:
            raise _not_a_list()
        if one[1] == b"Committed":
            raise ProtocolError(400, "InvalidBlockList", "blocks of a file that is put together already are not kept")
        found.append(one[2].decode())
        at = one.end()
    return found


def listing(container: str, asked: dict[str, str], listed: Listing, next_marker: str, *, metadata: bool) -> bytes:
    """A page of files and folders; *asked* is told back."""
    said = "".join(
        f"<{name}>{_text(asked[name.lower()])}</{name}>"
        for name in ("Prefix", "Marker", "MaxResults", "Delimiter")
        if asked.get(name.lower())
    )
    blobs = "".join(
        f"<BlobPrefix>{_name(item)}</BlobPrefix>" if isinstance(item, str) else _blob(item, metadata=metadata)
        for item in listed.items
    )
    text = (
        f'{_HEAD}<EnumerationResults ContainerName="{_text(container)}">{said}<Blobs>{blobs}</Blobs>'
        f"<NextMarker>{_text(next_marker)}</NextMarker></EnumerationResults>"
    )
    return text.encode()


def block_list(blocks: list[StagedBlock]) -> bytes:
    """Blocks that are staged."""
    inner = "".join(f"<Block><Name>{_text(one.id)}</Name><Size>{one.size}</Size></Block>" for one in blocks)
    return (f"{_HEAD}<BlockList><CommittedBlocks/><UncommittedBlocks>{inner}</UncommittedBlocks></BlockList>").encode()


def http_date(milliseconds: int) -> str:
    """As headers and listings have it."""
    return formatdate(milliseconds // 1000, usegmt=True)


def _blob(file: StoredFile, *, metadata: bool) -> str:
    import base64

    md5 = f"<Content-MD5>{base64.b64encode(file.md5).decode()}</Content-MD5>" if file.md5 else ""
    kept = "".join(f"<{name}>{_text(value)}</{name}>" for name, value in file.metadata.items()) if metadata else ""
    return (
        f"<Blob>{_name(file.path)}<Properties><Creation-Time>{http_date(file.created_at)}</Creation-Time>"
        f"<Last-Modified>{http_date(file.modified_at)}</Last-Modified><Etag>{_text(file.etag.strip(chr(34)))}</Etag>"
        f"<Content-Length>{file.size}</Content-Length>"
        f"<Content-Type>{_text(file.content_type or 'application/octet-stream')}</Content-Type>{md5}"
        f"<BlobType>BlockBlob</BlobType><LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState>"
        f"<ServerEncrypted>false</ServerEncrypted></Properties>{f'<Metadata>{kept}</Metadata>' if metadata else ''}</Blob>"
    )


def _name(text: str) -> str:
    """A few characters cannot stand in XML at all; the protocol sends such names percent-encoded."""
    if _IMPOSSIBLE.search(text):
        return f'<Name Encoded="true">{quote(text)}</Name>'
    return f"<Name>{escape(text)}</Name>"


def _text(text: str) -> str:
    return escape(_IMPOSSIBLE.sub("?", text), {'"': "&quot;"})


def _not_a_list() -> ProtocolError:
    return ProtocolError(400, "InvalidXmlDocument", "the body is not a list of blocks")
