"""Versions of a flow's mapping rules, by content hash."""

from ml_connector.records import models
from ml_connector.records.store import OrganisationStore


class MappingRecords(OrganisationStore):
    """A `ports.MappingStore`."""

    def save_mapping(self, flow: str, *, content_hash: str, content: str, actor: str) -> int:
        """The content is a numbered version; the same hash keeps its number."""
        versions = models.MappingVersion.of(self._id).filter(flow=flow)
        with self._writing(f"the mapping of {flow}"):
            newest = versions.order_by("-number").values_list("number", flat=True).first() or 0
            row, _ = versions.get_or_create(
                organisation_id=self._id,
                flow=flow,
                content_hash=content_hash,
                defaults={
                    "number": newest + 1,
                    "content": content,
                    "actor": actor,
                    "at": self._clock.now(),
                },
            )
        return row.number

    def find_mapping(self, content_hash: str) -> str | None:
        """The content of a version."""
        rows = models.MappingVersion.of(self._id).filter(content_hash=content_hash)
        return rows.values_list("content", flat=True).first()

    def load_applied(self, flow: str) -> str:
        """Hash of the version the model was last loaded with; empty before the first load."""
        rows = models.MappingApplied.of(self._id).filter(flow=flow)
        return rows.values_list("content_hash", flat=True).first() or ""

    def save_applied(self, flow: str, content_hash: str) -> None:
        """The model holds amounts of this version."""
        with self._writing(f"the applied mapping of {flow}"):
            self._save_applied(flow, content_hash=content_hash)

    def load_explained(self, flow: str) -> str:
        """Hash of what keyed combinations stood for at the flow's last look; empty before it."""
        rows = models.MappingApplied.of(self._id).filter(flow=flow)
        return rows.values_list("explained_hash", flat=True).first() or ""

    def save_explained(self, flow: str, file_hash: str) -> None:
        """What keyed combinations stand for has been looked at."""
        with self._writing(f"the account master seen by {flow}"):
            self._save_applied(flow, explained_hash=file_hash)

    def _save_applied(self, flow: str, **values: str) -> None:
        models.MappingApplied.of(self._id).update_or_create(
            organisation_id=self._id, flow=flow, defaults={**values, "at": self._clock.now()}
        )
