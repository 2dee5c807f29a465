"""Credentials, sealed with AES-256-GCM; plain text lives only between here and a log-in."""

from ml_connector.vault.envelope import KeyProvider
from ml_connector.vault.keys import find_keys
from ml_connector.vault.vault import BlobStore, StoredSecret, Vault

__all__ = ["BlobStore", "KeyProvider", "StoredSecret", "Vault", "find_keys"]
