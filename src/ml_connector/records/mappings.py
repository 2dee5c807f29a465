"""Versions of a flow's mapping rules, by content hash, and the history of what was in force."""

from ml_connector.errors import BusyError
from ml_connector.ports.rules import Deed, NewRules, RuleVersion
from ml_connector.records import models
from ml_connector.records.store import OrganisationStore


class RulesMovedError(BusyError):
    """Somebody saved the flow's rules after these were begun."""

    code = "mapping.moved"


class MappingRecords(OrganisationStore):
    """A `ports.MappingStore`."""

    def save_mapping(
        self, flow: str, *, content_hash: str, content: str, actor: str, rules: int = 0
    ) -> int:
        """The content is a numbered version; the same hash keeps its number."""
        with self._writing(f"the mapping of {flow}"):
            row = self._save_content(flow, content_hash, content=content, actor=actor)
            newest = self.find_version(flow)
            is_other = newest is None or newest.content_hash != content_hash
            if is_other and not (newest and newest.is_kept):
                seen = NewRules(
                    content_hash=content_hash, content=content, deed=Deed.SEEN, comment="",
                    rules=rules, is_kept=False,
                )  # fmt: skip
                self._append(flow, seen, number=newest.number + 1 if newest else 1, actor=actor)
        return row.number

    def save_version(self, flow: str, new: NewRules, *, based_on: int, actor: str) -> RuleVersion:
        """The rules are the flow's newest version; see `ports.rules.RuleHistory`."""
        with self._writing(f"the rules of {flow}"):
            newest = self.find_version(flow)
            if (newest.number if newest else 0) != based_on:
                raise _moved(flow, based_on, newest)
            self._save_content(flow, new.content_hash, content=new.content, actor=actor)
            return self._append(flow, new, number=based_on + 1, actor=actor)

    def find_version(self, flow: str, number: int | None = None) -> RuleVersion | None:
        """The version of that number, or the newest."""
        rows = models.MappingRevision.of(self._id).filter(flow=flow)
        row = (rows if number is None else rows.filter(number=number)).order_by("-number").first()
        return None if row is None else _render_version(row)

    def load_versions(self, flow: str, *, limit: int, before: int = 0) -> list[RuleVersion]:
        """Versions, newest first; those before a number where one is given."""
        rows = models.MappingRevision.of(self._id).filter(flow=flow)
        if before:
            rows = rows.filter(number__lt=before)
        return [_render_version(row) for row in rows.order_by("-number")[:limit]]

    def _save_content(
        self, flow: str, content_hash: str, *, content: str, actor: str
    ) -> models.MappingVersion:
        versions = models.MappingVersion.of(self._id).filter(flow=flow)
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
        return row

    def _append(self, flow: str, new: NewRules, *, number: int, actor: str) -> RuleVersion:
        row = models.MappingRevision.of(self._id).create(
            organisation_id=self._id, flow=flow, number=number, content_hash=new.content_hash,
            rules=new.rules, is_kept=new.is_kept, deed=new.deed.value, comment=new.comment,
            actor=actor, at=self._clock.now(),
        )  # fmt: skip
        return _render_version(row)

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


def _render_version(row: models.MappingRevision) -> RuleVersion:
    return RuleVersion(
        flow=row.flow, number=row.number, content_hash=row.content_hash, rules=row.rules,
        is_kept=row.is_kept, deed=Deed(row.deed), comment=row.comment, actor=row.actor, at=row.at,
    )  # fmt: skip


def _moved(flow: str, based_on: int, newest: RuleVersion | None) -> RulesMovedError:
    now = f"{newest.actor} made version {newest.number}" if newest else "there is none any more"
    return RulesMovedError(
        f"The rules of flow {flow} were changed from version {based_on}, but {now} meanwhile.",
        written="Nothing was saved; the rules are as they were saved meanwhile.",
        next_step="Look at both changes, then make yours again on the newest version.",
        flow=flow, based_on=based_on, newest=newest.number if newest else 0,
    )  # fmt: skip
