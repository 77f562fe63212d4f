"""One request on its way through the dialect: what it asks of which blob, and who asks."""

import base64
import binascii
import re

import msgspec

from regista.dialects import http
from regista.dialects.azureblob import shared_key
from regista.dialects.azureblob.bodies import Body
from regista.dialects.azureblob.errors import ProtocolError
from regista.dialects.azureblob.places import Place, query_of
from regista.entities.access import Caller
from regista.entities.datastore import ContainerKind, ContainerName
from regista.services.access.tokens import STORAGE
from regista.services.datastores.files import Condition, Labels
from regista.services.datastores.signatures import Pass
from regista.services.house import House

_META = b"x-ms-meta-"
_META_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RANGE = re.compile(r"bytes=(\d{1,18})-(\d{0,18})")


class Call(msgspec.Struct, frozen=True):
    """A request, read. ``passed`` says who asks, and what of it the signature covers."""

    method: str
    place: Place
    query: dict[str, str]
    headers: dict[bytes, bytes]
    body: Body
    passed: Pass

    def caller(self, right: str) -> Caller:
        """Who asks, when it may do *right* (``r``, ``l``, ``w``, ``c`` or ``d``) here.

        Raise ``ProtocolError`` for a container that cannot be ours: clients look into some of other servers first."""
        if ContainerName.find(self.place.container) is None:
            raise ProtocolError(404, "ContainerNotFound", f"there is no container {self.place.container[:80]!r}")
        return self.passed.require(self.place.container, self.place.path, right)

    def header(self, name: bytes) -> str:
        """A header's text; empty when it is not there."""
        return self.headers.get(name, b"").decode("latin-1").strip()

    @property
    def condition(self) -> Condition:
        """What must hold of the blob that is there."""
        none_match = self.header(b"if-none-match")
        return Condition(
            absent=none_match == "*", none_match="" if none_match == "*" else none_match, match=self.header(b"if-match")
        )

    @property
    def writer(self) -> Caller:
        """Who writes: the right to create is enough where nothing is replaced."""
        return self.caller("c" if self.condition.absent else "w")

    @property
    def labels(self) -> Labels:
        """What the writer says about the blob."""
        kind = self.header(b"x-ms-blob-content-type") or self.header(b"content-type")
        md5 = self.digest(b"x-ms-blob-content-md5") or self.digest(b"content-md5")
        return Labels(content_type=kind, metadata=self.metadata, md5=md5)

    @property
    def metadata(self) -> dict[str, str]:
        """The ``x-ms-meta-`` headers; raise ``ProtocolError`` for a name that could not stand in XML."""
        found = {
            name[len(_META) :].decode("latin-1"): value.decode("latin-1").strip()
            for name, value in self.headers.items()
            if name.startswith(_META)
        }
        if any(not _META_NAME.fullmatch(name) for name in found):
            raise ProtocolError(400, "InvalidMetadata", "names of metadata are letters, digits and '_'")
        return found

    def digest(self, name: bytes) -> bytes:
        """The MD5 in a header; empty when there is none. Raise ``ProtocolError`` when it is no MD5."""
        try:
            found = base64.b64decode(self.header(name), validate=True)
        except (binascii.Error, ValueError):
            found = b"?"
        if len(found) not in {0, 16}:
            raise ProtocolError(400, "InvalidMd5", "the Content-MD5 is not the base64 of 16 bytes")
        return found

    def range_of(self, size: int) -> tuple[int, int] | None:
        """The half-open range that is asked for; None for all. Raise ``ProtocolError`` for one beyond the end."""
        match = _RANGE.fullmatch(self.header(b"x-ms-range") or self.header(b"range"))
        if match is None:
            return None
        start, end = int(match[1]), min(int(match[2]) + 1 if match[2] else size, size)
        if start >= size or start >= end:
            beyond = (b"content-range", f"bytes */{size}".encode())
            raise ProtocolError(416, "InvalidRange", "the range lies beyond the end of the blob", beyond)
        return start, end


def read_call(house: House, scope: http.Scope, place: Place, body: Body) -> Call:
    """Read the request's head and find out who asks; it may wait for the catalog."""
    query, headers = query_of(scope), http.headers(scope)
    return Call(scope["method"], place, query, headers, body, _passed(house, scope, place, query, headers))


def _passed(house: House, scope: http.Scope, place: Place, query: dict[str, str], headers: dict[bytes, bytes]) -> Pass:
    client = scope.get("client")
    address, request_id = client[0] if client else "", str(scope.get("request_id", ""))
    if token := query.get("sig"):
        return house.signatures.verify(token, address=address, request_id=request_id)
    scheme, _, given = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if scheme.lower() == "bearer":
        found = house.access.authenticate(given.strip(), address=address, request_id=request_id, audiences=STORAGE)
        return Pass(caller=found)
    if scheme.lower() == "sharedkey":
        account, signature = shared_key.signed_by(given)
        container = ContainerName.find(place.container)
        if container is None or container.kind not in {ContainerKind.FILES, ContainerKind.JOBS}:
            raise ProtocolError(403, "AuthenticationFailed", "account keys open the containers of datastores only")
        message = shared_key.string_to_sign(scope, account, query)
        principal = account.partition(".")[0].rpartition("/")[2]
        return house.signatures.verify_account(
            principal, container.id, message, signature, address=address, request_id=request_id
        )
    raise ProtocolError(
        401,
        "NoAuthenticationInformation",
        "this needs a signature (SAS) in the query, or a key behind 'Authorization: Bearer'",
    )
