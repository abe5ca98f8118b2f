"""KMS and Secrets Manager: what is secret at rest."""

from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.aws.clients import Clients, translated


@dataclass(frozen=True, slots=True)
class Vault:
    """Encrypts up to 4 KB under one KMS key. The context is bound to the ciphertext: another one does not open it."""

    clients: Clients
    key_id: str

    def encrypt(self, plain: bytes, context: Mapping[str, str]) -> bytes:
        with translated("kms"):
            answer = self.clients("kms").encrypt(KeyId=self.key_id, Plaintext=plain, EncryptionContext=dict(context))
        sealed: bytes = answer["CiphertextBlob"]
        return sealed

    def decrypt(self, sealed: bytes, context: Mapping[str, str]) -> bytes:
        with translated("kms"):
            answer = self.clients("kms").decrypt(
                KeyId=self.key_id, CiphertextBlob=sealed, EncryptionContext=dict(context)
            )
        plain: bytes = answer["Plaintext"]
        return plain


def secret(clients: Clients, secret_id: str) -> str:
    """The current text of a secret."""
    with translated("secretsmanager"):
        text: str = clients("secretsmanager").get_secret_value(SecretId=secret_id)["SecretString"]
        return text
