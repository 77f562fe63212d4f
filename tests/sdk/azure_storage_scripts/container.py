"""A container in one of the ways in which clients open it."""

import os
import time

from azure.core.credentials import AccessToken
from azure.storage.blob import ContainerClient


class Key:
    """A credential that is a key of Regista's."""

    def __init__(self, secret):
        self._secret = secret

    def get_token(self, *_scopes, **_options):
        return AccessToken(self._secret, int(time.time()) + 3600)

    def close(self):
        pass


def opened(way, **options):
    """The container that the environment names, opened by ``sas``, ``key`` or ``account``."""
    url, name = os.environ["URL"], os.environ["CONTAINER"]
    if way == "sas":
        return ContainerClient.from_container_url(f"{url}/{name}?{os.environ['SAS']}", **options)
    if way == "key":
        return ContainerClient(f"{url}/acct.blob.regista.internal", name, credential=Key(os.environ["KEY"]), **options)
    account = f"{os.environ['PRINCIPAL']}.blob.regista.internal"
    credential = {"account_name": account, "account_key": os.environ["ACCOUNT_KEY"]}
    return ContainerClient(f"{url}/{account}", name, credential=credential, **options)
