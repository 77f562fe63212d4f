"""The Python client of the native API.

    import regista

    client = regista.connect(workspace="dev")
    model = client.models.get("churn", label="latest")
    client.models.download("churn", "3", "./churn")
    client.models.share("churn", "3", registry="central")

``connect`` finds server and key by argument, environment (REGISTA_URL, REGISTA_KEY), profile, or the server on this machine.
"""

from regista.client.session import Regista, connect

__all__ = ["Regista", "connect"]
