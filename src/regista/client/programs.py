"""Other programs meeting a server: the variables by which they find it, as whom, and whom they trust."""

import os
import re
import ssl
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from regista.client.profiles import Profile, config_file
from regista.errors import InvalidError, NotFoundError

IN_THE_WAY = (
    "AZUREML_CURRENT_CLOUD",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_TENANT_ID",
)
"""What would lead azure-ai-ml or ``DefaultAzureCredential`` elsewhere, before they look at ours."""

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


def mlflow_variables(known: Profile, workspace: str, registry: str = "") -> dict[str, str]:
    """For the mlflow client: runs go to the workspace, models to the registry or else to the workspace too.

    Parts of large files are sent by plain ``requests``, which trusts whom ``REQUESTS_CA_BUNDLE`` names."""
    base = known.url.rstrip("/")
    variables = {
        "MLFLOW_TRACKING_URI": f"{base}/mlflow/workspaces/{quote(workspace, safe=':')}",
        "MLFLOW_REGISTRY_URI": f"{base}/mlflow/registries/{quote(registry, safe=':')}" if registry else "",
        "MLFLOW_TRACKING_TOKEN": known.secret(),
        "MLFLOW_TRACKING_SERVER_CERT_PATH": known.ca,
        "REQUESTS_CA_BUNDLE": str(_bundle(Path(known.ca).expanduser())) if known.ca else "",
    }
    return {key: value for key, value in variables.items() if value}


def azureml_variables(known: Profile) -> dict[str, str]:
    """For azure-ai-ml and azureml-mlflow: the cloud that they look up, the registries' directory, and the token door, which
    an unmodified ``DefaultAzureCredential`` takes for a managed identity's. The key is the door's secret header.

    ``REQUESTS_CA_BUNDLE`` replaces all trust of a program, so what it names holds the usual authorities and ours."""
    base = known.url.rstrip("/")
    if not base.startswith("https://"):
        raise InvalidError(
            f"azure-ai-ml speaks HTTPS alone, and the server is at {base}", hint="Give its https address."
        )
    variables = {
        "ARM_CLOUD_METADATA_URL": f"{base}/metadata/endpoints?api-version=2019-05-01",
        "REGISTRY_DISCOVERY_ENDPOINT_URL": f"{base}/",
        "REQUESTS_CA_BUNDLE": str(_bundle(Path(known.ca).expanduser())) if known.ca else "",
        "IDENTITY_ENDPOINT": f"{base}/identity/token",
        "IDENTITY_HEADER": known.secret(),
    }
    return {key: value for key, value in variables.items() if value}


def joined(environment: Mapping[str, str], variables: Mapping[str, str], *, azure: bool = False) -> dict[str, str]:
    """*environment* with *variables*; for *azure* without what would be in their way."""
    kept = {key: value for key, value in environment.items() if not (azure and key in IN_THE_WAY)}
    return kept | dict(variables)


def _bundle(ca: Path) -> Path:
    """A file beside the profiles with every authority that is trusted now, and *ca*. Making it again changes nothing."""
    try:
        ours = ca.read_text()
    except OSError as wrong:
        raise NotFoundError(
            f"the CA file {ca} cannot be read: {wrong.strerror}", hint="Mend the profile's ca."
        ) from wrong
    folder = config_file().parent / "trust"
    path = folder / f"{sha256(ours.encode()).hexdigest()[:16]}.pem"
    authorities = dict.fromkeys(one for text in (ours, *_trusted()) for one in _CERTIFICATE.findall(text))
    content = "\n".join([*authorities, ""])
    if not path.is_file() or path.read_text() != content:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text(content)
        draft.replace(path)
    return path


def _trusted() -> Iterator[str]:
    """What ``requests`` would trust here: the bundle that the environment names, else the system's and certifi's."""
    given = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    files = [Path(given)] if given else [Path(ssl.get_default_verify_paths().cafile or ""), _certifi()]
    for file in files:
        if file.is_file():
            yield file.read_text(errors="replace")


def _certifi() -> Path:
    import certifi

    return Path(certifi.where())
