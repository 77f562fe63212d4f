"""Every signer, by its contract."""

import stat

import pytest

from regista.conformance.signing import SignerContract
from regista.drivers.signing.ed25519 import Ed25519Signer


class TestEd25519Signer(SignerContract):
    """Keys in files."""

    @pytest.fixture
    def signer(self, tmp_path):
        return Ed25519Signer(tmp_path / "ours")

    @pytest.fixture
    def stranger(self, tmp_path):
        return Ed25519Signer(tmp_path / "theirs")

    def test_the_key_is_the_same_after_a_restart_and_private_to_its_owner(self, signer, tmp_path):
        again = Ed25519Signer(tmp_path / "ours")
        assert again.key_id == signer.key_id
        assert again.unseal(signer.seal("secret")) == "secret"
        for file in (tmp_path / "ours").iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
