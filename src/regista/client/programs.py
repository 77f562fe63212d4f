"""Other programs meeting a server: the variables by which they find it, as whom, and whom they trust."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from regista.client.profiles import Profile, config_file
from regista.client.trust import bundle
from regista.errors import InvalidError

IN_THE_WAY = (
    "AZUREML_CURRENT_CLOUD",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_TENANT_ID",
)
"""What would lead azure-ai-ml or ``DefaultAzureCredential`` elsewhere, before they look at ours."""


def mlflow_variables(known: Profile, workspace: str, registry: str = "") -> dict[str, str]:
    """For the mlflow client: runs go to the workspace, models to the registry or else to the workspace too.

    Parts of large files are sent by plain ``requests``, which trusts whom ``REQUESTS_CA_BUNDLE`` names."""
    base = known.url.rstrip("/")
    variables = {
        "MLFLOW_TRACKING_URI": f"{base}/mlflow/workspaces/{quote(workspace, safe=':')}",
        "MLFLOW_REGISTRY_URI": f"{base}/mlflow/registries/{quote(registry, safe=':')}" if registry else "",
        "MLFLOW_TRACKING_TOKEN": known.secret(),
        "MLFLOW_TRACKING_SERVER_CERT_PATH": known.ca,
        "REQUESTS_CA_BUNDLE": _trust(known.ca),
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
        "REQUESTS_CA_BUNDLE": _trust(known.ca),
        "IDENTITY_ENDPOINT": f"{base}/identity/token",
        "IDENTITY_HEADER": known.secret(),
    }
    return {key: value for key, value in variables.items() if value}


def joined(environment: Mapping[str, str], variables: Mapping[str, str], *, azure: bool = False) -> dict[str, str]:
    """*environment* with *variables*; for *azure* without what would be in their way."""
    kept = {key: value for key, value in environment.items() if not (azure and key in IN_THE_WAY)}
    return kept | dict(variables)


def without_keys(environment: Mapping[str, str]) -> dict[str, str]:
    """*environment* as it is handed to a program that is to have no key of ours."""
    return {key: value for key, value in environment.items() if key not in {"REGISTA_KEY", "REGISTA_KEY_FILE"}}


def _trust(ca: str) -> str:
    return str(bundle(Path(ca).expanduser(), config_file().parent / "trust")) if ca else ""
