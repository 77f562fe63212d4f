"""Artifacts that come in parts, side by side, and addresses that let one request through without a key.

An upload in parts is rows beside those of blocks: ``open`` when it has begun, one row a part, ``done`` or ``aborted`` at the
end. They belong to who began it: nobody else can send, see, end or name its parts. It goes on after a restart of the client
or of the server, and is forgotten a week after it was last heard of.

A signed address is for one file (or one part of it), one right and a while, on behalf of who asked for it: what that
principal may do is asked again whenever it is used.
"""

import re
import secrets
from collections.abc import Callable, Sequence

import msgspec

from regista.entities.access import Caller
from regista.entities.datastore import StagedBlock
from regista.entities.manifest import check_path
from regista.entities.names import now
from regista.entities.run import Artifact
from regista.entities.scope import Scope, ScopeAddress
from regista.errors import ConflictError, InvalidError, NotFoundError, TooLargeError
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.content.contents import ContentService
from regista.services.datastores.blocks import BlockUpload, Turns, UnknownBlockError, forget, joined
from regista.services.datastores.signatures import Signatures
from regista.services.scopes.scopes import resolve_scope
from regista.services.tracking.artifacts import check_readable, check_writable

MOST_PARTS = 10_000
SECONDS = 3600.0
"""How long a signed address lives when nothing else is said."""

_UPLOAD = re.compile(r"[0-9a-f]{32}")
_OPEN, _DONE, _ABORTED = "open", "done", "aborted"
_READ, _WRITE = "r", "w"


class Part(msgspec.Struct, frozen=True):
    """A part as its sender names it: the number, and the etag that the server answered."""

    number: int
    etag: str


class Target(msgspec.Struct, frozen=True):
    """The artifact that parts become: *path* of *owner* in the scope at *address*."""

    address: ScopeAddress
    owner: str
    path: str

    @property
    def key(self) -> str:
        """Its name below a scope."""
        return f"{self.owner}/{self.path}"


class MultipartService:
    """Takes parts, and makes an artifact of them."""

    def __init__(self, catalog: Catalog, contents: ContentService) -> None:
        self._catalog = catalog
        self._contents = contents
        self._turns = Turns()

    def create(self, caller: Caller, target: Target, parts: int) -> str:
        """Begin an upload in so many parts; return its id. Nothing is visible before ``complete``."""
        check_path(target.path)
        if not 1 <= parts <= MOST_PARTS:
            raise TooLargeError(f"an upload has 1 to {MOST_PARTS:,} parts", hint="Send larger parts.")
        upload = secrets.token_hex(16)

        def work(tx: Transaction) -> str:
            scope = check_writable(tx, caller, target.address, target.owner)
            tx.files.put_block(_row(caller, scope, target, upload, _OPEN, size=parts))
            return upload

        return self._catalog.write(work)

    def part(self, caller: Caller, target: Target, upload: str, number: int) -> BlockUpload:
        """Open an upload of one part; sent again it replaces the earlier one, also while it is on its way.

        Raise ``NotFoundError`` for an upload that is not the caller's or not of this file, ``ConflictError`` for one that
        has ended, ``InvalidError`` for a number that it has not."""

        def opened(tx: Transaction) -> Scope:
            scope = check_writable(tx, caller, target.address, target.owner)
            count = _open(_state(tx, caller, target, upload), upload)
            if not 1 <= number <= count:
                raise InvalidError(f"the upload has parts 1 to {count}, and no part {number}")
            return scope

        scope = self._catalog.read(opened)

        def stage(block: StagedBlock) -> None:
            def work(tx: Transaction) -> None:
                opened(tx)
                tx.files.put_block(block)

            self._catalog.write(work)

        sending = BlockUpload(self._contents.store(scope), _row(caller, scope, target, upload, f"{number:05d}"), stage)
        sending.expect_md5()
        return sending

    def complete(self, caller: Caller, target: Target, upload: str, parts: Sequence[Part]) -> Artifact | None:
        """Make the parts one artifact, durably; all of them have to be named, each with the etag of what was sent last.

        Asked again for what is done already, nothing happens (None). Raise ``UnknownBlockError`` for a part that was not
        sent, ``InvalidError`` for a list that is not that of the upload; then everything stays as it was."""
        with self._turns.of(upload):
            ready = self._catalog.read(lambda tx: _ready(tx, caller, target, upload, parts))
            if ready is None:
                return None
            scope, blocks = ready
            store = self._contents.store(scope)
            digest, size = joined(store, blocks)

            def work(tx: Transaction) -> Artifact:
                scope = check_writable(tx, caller, target.address, target.owner)
                _open(_state(tx, caller, target, upload), upload)
                artifact = Artifact(scope_id=scope.id, owner=target.owner, path=target.path, digest=digest, size=size)
                tx.claims.add(scope.id, "", {digest: size}, now())
                tx.artifacts.put(artifact)
                _end(tx, caller, scope, target, upload, _DONE)
                return artifact

            artifact = self._catalog.write(work)
        forget(store, blocks)
        return artifact

    def abort(self, caller: Caller, target: Target, upload: str) -> None:
        """Forget the parts; quiet when the upload has ended already: what is complete stays."""
        with self._turns.of(upload):

            def work(tx: Transaction) -> tuple[Scope, list[StagedBlock]]:
                scope = check_writable(tx, caller, target.address, target.owner)
                state = _state(tx, caller, target, upload)
                if {_DONE, _ABORTED} & state.keys():
                    return scope, []
                _open(state, upload)
                _end(tx, caller, scope, target, upload, _ABORTED)
                return scope, [block for name, block in state.items() if name != _OPEN]

            scope, blocks = self._catalog.write(work)
        forget(self._contents.store(scope), blocks)


class SignedArtifacts:
    """Signs addresses of artifacts, and knows them again."""

    def __init__(self, catalog: Catalog, signatures: Signatures) -> None:
        self._catalog = catalog
        self._signatures = signatures

    def sign_reading(self, caller: Caller, target: Target, seconds: float = SECONDS) -> str:
        """A query string by which the file can be read, and nothing else."""
        check_path(target.path)

        def work(tx: Transaction) -> Scope:
            scope = resolve_scope(tx, caller, target.address)
            check_readable(tx, caller, scope, target.owner)
            return scope

        return self._signed(caller, target, work, seconds)(_READ, "")

    def sign_writing(self, caller: Caller, target: Target, seconds: float = SECONDS) -> str:
        """A query string by which the file can be written, and nothing else."""
        return self._writer(caller, target, seconds)(_WRITE, "")

    def sign_parts(
        self, caller: Caller, target: Target, upload: str, count: int, seconds: float = SECONDS
    ) -> list[str]:
        """Query strings by which the parts of an upload can be sent, one each, from number 1 on."""
        sign = self._writer(caller, target, seconds)
        return [sign(_WRITE, _part(upload, number)) for number in range(1, count + 1)]

    def reader(self, token: str, target: Target, *, address: str = "", request_id: str = "") -> Caller:
        """On whose behalf *token* lets the file be read; raise ``UnauthenticatedError`` or ``ForbiddenError``."""
        return self._caller(token, target, _READ, "", address, request_id)

    def writer(self, token: str, target: Target, *, address: str = "", request_id: str = "") -> Caller:
        """On whose behalf *token* lets the file be written."""
        return self._caller(token, target, _WRITE, "", address, request_id)

    def part_sender(
        self, token: str, target: Target, part: tuple[str, int], *, address: str = "", request_id: str = ""
    ) -> Caller:
        """On whose behalf *token* lets that part (upload and number) be sent."""
        return self._caller(token, target, _WRITE, _part(*part), address, request_id)

    def _writer(self, caller: Caller, target: Target, seconds: float) -> Callable[[str, str], str]:
        check_path(target.path)
        return self._signed(
            caller, target, lambda tx: check_writable(tx, caller, target.address, target.owner), seconds
        )

    def _signed(
        self, caller: Caller, target: Target, check: Callable[[Transaction], Scope], seconds: float
    ) -> Callable[[str, str], str]:
        scope = self._catalog.read(check)

        def sign(right: str, part: str) -> str:
            return self._signatures.issue(caller, scope.id, right, path=target.key + part, seconds=seconds)

        return sign

    def _caller(self, token: str, target: Target, right: str, part: str, address: str, request_id: str) -> Caller:
        opens = self._signatures.verify(token, address=address, request_id=request_id)
        scope = self._catalog.read(lambda tx: resolve_scope(tx, opens.caller, target.address))
        return opens.require(scope.id, target.key + part, right)


def _part(upload: str, number: int) -> str:
    """What is signed behind the path: no path holds a line's end."""
    return f"\n{upload}/{number}"


def _row(caller: Caller, scope: Scope, target: Target, upload: str, name: str, size: int = 0) -> StagedBlock:
    return StagedBlock(
        container=upload,
        path=target.key,
        owner=caller.principal.id,
        id=name,
        scope_id=scope.id,
        size=size,
        at=now(),
    )


def _state(tx: Transaction, caller: Caller, target: Target, upload: str) -> dict[str, StagedBlock]:
    rows = tx.files.blocks(upload, target.key, caller.principal.id) if _UPLOAD.fullmatch(upload) else []
    return {row.id: row for row in rows}


def _open(state: dict[str, StagedBlock], upload: str) -> int:
    """How many parts the upload has; raise when it is not going on."""
    if found := state.get(_OPEN):
        return found.size
    for name, words in ((_DONE, "is complete already"), (_ABORTED, "was aborted")):
        if name in state:
            raise ConflictError(f"the upload {upload} {words}", hint="Begin a new one.")
    raise NotFoundError(
        f"there is no upload {upload[:40]!r} of this file",
        hint="It is somebody else's, of another file, or was forgotten a week ago. Begin a new one.",
    )


def _ready(
    tx: Transaction, caller: Caller, target: Target, upload: str, parts: Sequence[Part]
) -> tuple[Scope, list[StagedBlock]] | None:
    """The parts in their order; None when that was done before."""
    scope = check_writable(tx, caller, target.address, target.owner)
    state = _state(tx, caller, target, upload)
    if _DONE in state:
        return None
    count = _open(state, upload)
    named = {part.number: part.etag.strip('"') for part in parts}
    if len(named) != len(parts):
        raise InvalidError("a part is named twice", hint="Name each part once.")
    if set(named) - set(range(1, count + 1)):
        raise InvalidError(f"the upload has parts 1 to {count}, and no others")
    return scope, [_sent(state, number, named) for number in range(1, count + 1)]


def _sent(state: dict[str, StagedBlock], number: int, named: dict[int, str]) -> StagedBlock:
    block = state.get(f"{number:05d}")
    if block is None:
        raise UnknownBlockError(f"part {number} was not sent", hint="Send it, then complete the upload.")
    if number not in named:
        raise InvalidError(f"part {number} is not named", hint="Name all parts, in any order.")
    if named[number] != block.md5.hex():
        raise InvalidError(
            f"part {number} is not the one that was sent last: its etag is another", hint="Send it again."
        )
    return block


def _end(tx: Transaction, caller: Caller, scope: Scope, target: Target, upload: str, how: str) -> None:
    """Forget the parts and remember how it ended, for who did not hear the answer."""
    tx.files.delete_blocks(upload, target.key, caller.principal.id)
    tx.files.put_block(_row(caller, scope, target, upload, how))
