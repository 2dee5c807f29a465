"""Where sealed secrets are kept; what is inside them is not known here."""

from datetime import datetime

from ml_connector.ports import Clock
from ml_connector.records import models
from ml_connector.records.store import OrganisationStore


class SecretRecords(OrganisationStore):
    """The store of blobs the vault works on."""

    def __init__(self, organisation_id: int, *, organisation: str, clock: Clock) -> None:
        super().__init__(organisation_id, clock=clock)
        self.organisation = organisation

    def find_blob(self, name: str) -> bytes | None:
        """The sealed secret of that name."""
        row = models.Secret.of(self._id).filter(name=name).first()
        return None if row is None else bytes(row.blob)

    def save_blob(self, name: str, *, key_id: str, blob: bytes) -> None:
        """The name stands for this sealed secret, whatever it stood for before."""
        with self._writing(f"the secret {name}"):
            models.Secret.of(self._id).update_or_create(
                organisation_id=self._id,
                name=name,
                defaults={"key_id": key_id, "blob": blob, "saved_at": self._clock.now()},
            )

    def replace_blob(self, name: str, *, before: bytes, key_id: str, blob: bytes) -> bool:
        """Whether the secret still was `before`, and so is `blob` now; its time stays."""
        with self._writing(f"the secret {name}"):
            row = models.Secret.of(self._id).filter(name=name).first()
            if row is None or bytes(row.blob) != before:
                return False
            models.Secret.of(self._id).filter(pk=row.pk).update(key_id=key_id, blob=blob)
            return True

    def load_names(self) -> list[tuple[str, str, datetime]]:
        """Name, key id and time of saving of every secret, by name."""
        rows = models.Secret.of(self._id).order_by("name")
        return list(rows.values_list("name", "key_id", "saved_at"))

    def delete_blob(self, name: str) -> bool:
        """Whether there was such a secret; there is none now."""
        with self._writing(f"the removal of secret {name}"):
            removed, _ = models.Secret.of(self._id).filter(name=name).delete()
        return removed > 0
