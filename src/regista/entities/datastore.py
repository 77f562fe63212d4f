"""Datastores, and the containers and files behind those whose bytes are ours.

A *datastore* is a named pointer of a workspace. Two are built in and have no row: ``workspaceblobstore``, where clients
put what they upload, and ``workspaceartifactstore``, where they read what jobs left. Every other one is a record of an
account somewhere else, whose bytes Regista neither reads nor writes.

A *container* is what the blob protocol sees. Its name is unique in the installation and tells what is in it:

    regista-files-SCOPE        the files of a scope's ``workspaceblobstore``; written to
    regista-jobs-SCOPE         what jobs of a workspace printed and left; read only
    regista-area-RANDOM        an upload area: files on their way to become one version, gone after a while
    regista-version-VERSION    the files of one asset version; read only
    regista-folder-VERSION     the same, below one folder of whatever name
"""

import re
from enum import StrEnum

import msgspec

from regista.entities.digest import Digest

BLOB_STORE = "workspaceblobstore"
ARTIFACT_STORE = "workspaceartifactstore"
BUILT_IN = (BLOB_STORE, ARTIFACT_STORE)

CONTAINER_PREFIX = "regista-"
_CONTAINER = re.compile(r"regista-(files|jobs|area|version|folder)-([0-9a-f]{32})")


class DatastoreType(StrEnum):
    """What kind of account a datastore points at."""

    AZURE_BLOB = "AzureBlob"
    AZURE_FILE = "AzureFile"
    AZURE_DATA_LAKE_GEN1 = "AzureDataLakeGen1"
    AZURE_DATA_LAKE_GEN2 = "AzureDataLakeGen2"
    HDFS = "Hdfs"
    ONE_LAKE = "OneLake"


class CredentialsType(StrEnum):
    """How the account is opened."""

    NONE = "None"
    ACCOUNT_KEY = "AccountKey"
    SAS = "Sas"
    SERVICE_PRINCIPAL = "ServicePrincipal"
    CERTIFICATE = "Certificate"
    KERBEROS_KEYTAB = "KerberosKeytab"
    KERBEROS_PASSWORD = "KerberosPassword"  # noqa: S105 - a kind of secret, not one


class DatastoreFields(msgspec.Struct, frozen=True, kw_only=True):
    """What people say of a datastore. ``spec`` says where it is (``account_name``, ``container_name``, ``endpoint`` …, as they
    were given), ``credentials`` what is not secret about the way in."""

    name: str
    type: DatastoreType = DatastoreType.AZURE_BLOB
    description: str = ""
    tags: dict[str, str] = {}
    properties: dict[str, str] = {}
    is_default: bool = False
    spec: dict[str, str] = {}
    credentials_type: CredentialsType = CredentialsType.NONE
    credentials: dict[str, str] = {}


class Datastore(DatastoreFields, frozen=True, kw_only=True):
    """A named pointer of a workspace; what is secret about the way in is sealed."""

    scope_id: str
    sealed_secret: str = ""
    created_at: int = 0
    created_by: str = ""
    updated_at: int = 0

    @property
    def is_built_in(self) -> bool:
        """Whether its bytes are ours; then ``spec["container_name"]`` is the container."""
        return self.name in BUILT_IN


class ContainerKind(StrEnum):
    """What is in a container; the word stands in its name."""

    FILES = "files"
    JOBS = "jobs"
    AREA = "area"
    VERSION = "version"
    FOLDER = "folder"


class ContainerName(msgspec.Struct, frozen=True):
    """A container's name taken apart: what is in it, and the id of the scope, area or version."""

    kind: ContainerKind
    id: str

    def __str__(self) -> str:
        return f"{CONTAINER_PREFIX}{self.kind}-{self.id}"

    @classmethod
    def find(cls, text: str) -> "ContainerName | None":
        """Read *text*; None for what cannot be a container of ours."""
        match = _CONTAINER.fullmatch(text)
        return cls(ContainerKind(match[1]), match[2]) if match else None


def files_container(scope_id: str) -> str:
    """The container behind a scope's ``workspaceblobstore``."""
    return str(ContainerName(ContainerKind.FILES, scope_id))


def jobs_container(scope_id: str) -> str:
    """The container behind a workspace's ``workspaceartifactstore``."""
    return str(ContainerName(ContainerKind.JOBS, scope_id))


def version_container(version_id: str) -> str:
    """The container of one asset version's files."""
    return str(ContainerName(ContainerKind.VERSION, version_id))


def folder_container(version_id: str) -> str:
    """The container that shows one asset version's files below a folder, whose name is the reader's choice."""
    return str(ContainerName(ContainerKind.FOLDER, version_id))


class UploadArea(msgspec.Struct, frozen=True, kw_only=True):
    """A place for files that are to become one version of a scope: its creator's alone, until ``expires_at``.

    ``purpose`` says what for (``models/churn/3``), for whoever looks into the catalog."""

    id: str
    scope_id: str
    principal_id: str
    purpose: str = ""
    created_at: int = 0
    expires_at: int = 0

    @property
    def container(self) -> str:
        """The name of its container."""
        return str(ContainerName(ContainerKind.AREA, self.id))


class StoredFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file in a container. ``digest`` is None for one that still grows (the log of a running job).

    ``owner`` is the id of the principal that wrote the bytes, ``source`` the lineage node of the job that did so on its
    behalf; ``repeated``: they were there already, somebody else's, so that to have written them gives no right to replace them;
    ``etag`` changes with every write, of bytes or metadata;
    ``md5`` is what the writer said that the content has, where it said so; ``blocks`` tells by which list of blocks it was
    put together."""

    container: str
    path: str
    scope_id: str
    digest: Digest | None
    size: int
    owner: str = ""
    source: str = ""
    repeated: bool = False
    md5: bytes = b""
    blocks: str = ""
    content_type: str = ""
    metadata: dict[str, str] = {}
    etag: str = ""
    created_at: int = 0
    modified_at: int = 0


class StagedBlock(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes of a file that is not put together yet: a block, by the id that its writer gave it.

    They are a blob of their own (``digest``), or lie at ``offset`` of an upload in pieces (``upload``). ``md5`` is that of the
    bytes where they were hashed along."""

    container: str
    path: str
    owner: str
    id: str
    scope_id: str
    size: int
    digest: Digest | None = None
    upload: str = ""
    offset: int = 0
    md5: bytes = b""
    at: int = 0


def parse_container_url(url: str) -> tuple[str, str] | None:
    """Container and path in the URL of a container or a file of ours, whatever the host (``https://HOST/CONTAINER/PATH``,
    ``https://HOST/ACCOUNT.blob.X/CONTAINER/PATH``); None for any other URL. The query is left aside."""
    match = re.fullmatch(r"https?://[^/?#]+(/[^?#]*)?(?:[?#].*)?", url, re.IGNORECASE | re.DOTALL)
    if match is None:
        return None
    from urllib.parse import unquote

    parts = unquote(match[1] or "").lstrip("/").split("/", 2)
    if ContainerName.find(parts[0]):
        return parts[0], "/".join(parts[1:]).strip("/")
    if len(parts) > 1 and ContainerName.find(parts[1]):
        return parts[1], "/".join(parts[2:]).strip("/")
    return None
