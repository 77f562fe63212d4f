"""What every signer has to do. Subclass it, and give it the fixtures ``signer`` and ``stranger`` (another installation's)."""

import pytest

from regista.errors import InvalidError
from regista.interfaces.signing import Signature, Signer


class SignerContract:
    """The promises of ``regista.interfaces.signing.Signer``."""

    def test_it_verifies_what_it_signed_and_nothing_else(self, signer: Signer) -> None:
        signature = signer.sign(b"message")
        assert signature.key_id == signer.key_id
        assert signer.verify(b"message", signature)
        assert not signer.verify(b"another message", signature)
        assert not signer.verify(b"message", Signature(signature.key_id, _other(signature.value)))
        assert not signer.verify(b"message", Signature(signature.key_id, b""))

    def test_it_does_not_believe_a_stranger(self, signer: Signer, stranger: Signer) -> None:
        assert not signer.verify(b"message", stranger.sign(b"message"))
        assert not signer.verify(b"message", Signature(signer.key_id, stranger.sign(b"message").value))

    @pytest.mark.parametrize("secret", ["", "secret", "ünïcode \U0001f511", "x" * 10_000])
    def test_it_unseals_what_it_sealed(self, signer: Signer, secret: str) -> None:
        sealed = signer.seal(secret)
        assert signer.unseal(sealed) == secret
        assert not secret or secret not in sealed

    @pytest.mark.parametrize("wrong", ["", "nothing", "gAAAAA", "ü"])
    def test_it_unseals_nothing_else(self, signer: Signer, wrong: str) -> None:
        with pytest.raises(InvalidError):
            signer.unseal(wrong)

    def test_it_does_not_unseal_what_a_stranger_sealed(self, signer: Signer, stranger: Signer) -> None:
        with pytest.raises(InvalidError):
            signer.unseal(stranger.seal("secret"))

    def test_the_public_key_is_public(self, signer: Signer) -> None:
        assert "PUBLIC KEY" in signer.public_key
        assert "PRIVATE" not in signer.public_key


def _other(value: bytes) -> bytes:
    """As long, and one bit is another: a byte that is put in might be the one that is there."""
    return value[:-1] + bytes([value[-1] ^ 1])
