"""Where a host keeps what it knows.

<root>/                                       <home>/serving
├── contents/<manifest hex>/                  files of models and code, shared, never written to
├── s/<16 hex>/s                              sockets: a socket's path has at most 107 bytes
├── gateway/                                  see gateway.py
└── <scope id>/<endpoint>/<deployment>/<generation>/
    ├── order.json                            what it runs; mode 0600, its variables may be secrets
    ├── preparation.log
    ├── stopped                               it is not to be started any more
    └── <instance>/<try>/                     see tries.py
"""

import hashlib
import os
import re
import shutil
from pathlib import Path
from typing import TypeVar

import msgspec

from regista.entities.names import check_name
from regista.errors import InternalError
from regista.interfaces.serving import ServingKey, ServingOrder

T = TypeVar("T")

_SCOPE = re.compile(r"[0-9A-Za-z]{8,64}")
_LONGEST_SOCKET = 100


def write_whole(path: Path, content: bytes) -> None:
    """Put *content* at *path* for the owner's eyes only; a reader sees all of it or what was there before."""
    draft = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def read_whole(path: Path, type_: type[T]) -> T | None:
    """What ``write_whole`` put there as JSON, None for nothing."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=type_, dec_hook=_from_text)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as wrong:
        raise InternalError(
            f"{path} is damaged: {wrong}", hint="Update the deployment to have it written anew."
        ) from wrong


def _from_text(type_: type[T], text: object) -> T:
    """Paths are written as text."""
    return type_(text)  # type: ignore[call-arg]


class GenerationFolder:
    """The folder of one generation; making the object makes no folder."""

    def __init__(self, root: Path, key: ServingKey) -> None:
        check_name("endpoint", key.endpoint)
        check_name("deployment", key.deployment)
        if not _SCOPE.fullmatch(key.scope_id) or key.generation < 1:
            raise InternalError(f"{key} is no generation of a deployment")
        self.key = key
        self.path = root / key.scope_id / key.endpoint / key.deployment / str(key.generation)
        self._root = root

    @property
    def order(self) -> ServingOrder | None:
        """What the generation runs."""
        return read_whole(self.path / "order.json", ServingOrder)

    def keep(self, order: ServingOrder) -> None:
        """Write *order* down."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(self.path / "order.json", msgspec.json.encode(order, enc_hook=str))

    @property
    def stopped(self) -> Path:
        """The mark of a generation that is over."""
        return self.path / "stopped"

    @property
    def preparation(self) -> Path:
        """The log of what was done before the first start."""
        return self.path / "preparation.log"

    def instance(self, number: int) -> Path:
        """The folder of one instance."""
        return self.path / str(number)

    def instances(self) -> list[int]:
        """The numbers of all instances that there ever were."""
        if not self.path.is_dir():
            return []
        return sorted(int(one.name) for one in self.path.iterdir() if one.name.isdecimal() and one.is_dir())

    def socket(self, number: int, attempt: int) -> Path | None:
        """Where a try of an instance shall listen; None when the path would be too long for a socket."""
        name = hashlib.sha256(f"{self.key}/{number}/{attempt}".encode()).hexdigest()[:16]
        path = self._root / "s" / name / "s"
        return path if len(os.fsencode(path)) <= _LONGEST_SOCKET else None

    def remove(self) -> None:
        """Remove the folder, and those above it that are empty then; quiet when it is gone."""
        shutil.rmtree(self.path, ignore_errors=True)
        for parent in list(self.path.parents)[:3]:
            try:
                parent.rmdir()
            except OSError:
                return


def generation_keys(root: Path) -> list[ServingKey]:
    """The key of every generation that has a folder."""
    found = []
    for path in root.glob("*/*/*/*"):
        scope_id, endpoint, deployment, generation = path.parts[-4:]
        if _SCOPE.fullmatch(scope_id) and generation.isdecimal() and path.is_dir():
            found.append(ServingKey(scope_id, endpoint, deployment, int(generation)))
    return sorted(found)
