"""Tokens of programs by their ids, and the runs that were asked for under a key."""

from datetime import timedelta

from django.db.models import QuerySet

from ml_connector import ports
from ml_connector.ports import Right
from ml_connector.records.models import ApiToken, AskedRun, User
from ml_connector.records.people import UnknownPersonError
from ml_connector.records.store import OrganisationStore

KEYS_KEPT = timedelta(days=30)
"""How long a key stands for its run; whoever asks again later asks for a new one."""
KEYS_PRUNED_MAX = 500
"""Old keys that go with one new one."""


class TokenRecords(OrganisationStore):
    """A `ports.TokenStore`."""

    def create_token(self, token: ports.ApiToken, *, digest: str) -> None:
        """The token opens what it was made for; see `ports.TokenStore`."""
        user = User.objects.filter(organisation_id=self._id, username=token.person).first()
        if user is None:
            raise UnknownPersonError(
                f"There is nobody named {token.person!r}.",
                written="Nothing was changed.",
                next_step="List them: `ml-connector users list`.",
                person=token.person,
            )
        with self._writing(f"the token {token.token_id}"):
            ApiToken.of(self._id).create(
                organisation_id=self._id, user=user, token_id=token.token_id, digest=digest,
                name=token.name, rights=sorted(token.rights), created_at=token.created_at,
                created_by=token.created_by, expires_at=token.expires_at,
            )  # fmt: skip

    def find_token(self, token_id: str) -> ports.ApiToken | None:
        """The token of that id, whatever became of it."""
        return next(iter(_render(ApiToken.of(self._id).filter(token_id=token_id))), None)

    def find_digest(self, token_id: str) -> str | None:
        """What the secret of the token comes to."""
        found = ApiToken.of(self._id).filter(token_id=token_id)
        return found.values_list("digest", flat=True).first()

    def load_tokens(
        self, *, person: str | None = None, limit: int = 200, before: str = ""
    ) -> list[ports.ApiToken]:
        """The newest first; of one person where one is named."""
        rows = ApiToken.of(self._id).order_by("-id")
        rows = self._older(rows, token_id=before) if before else rows
        if person is not None:
            rows = rows.filter(user__username=person)
        return _render(rows[:limit])

    def save_used(self, token_id: str) -> None:
        """The token was used now."""
        with self._writing(f"the use of token {token_id}"):
            ApiToken.of(self._id).filter(token_id=token_id).update(used_at=self._clock.now())

    def save_revoked(self, token_id: str, *, actor: str) -> ports.ApiToken | None:
        """The token opens nothing any more; see `ports.TokenStore`."""
        live = ApiToken.of(self._id).filter(token_id=token_id, revoked_at=None)
        with self._writing(f"the end of token {token_id}"):
            changed = live.update(revoked_at=self._clock.now(), revoked_by=actor)
        return self.find_token(token_id) if changed else None


class AskedRunRecords(OrganisationStore):
    """A `ports.AskedRunStore`."""

    def claim(self, asked: ports.AskedRun) -> ports.AskedRun:
        """What the actor's key stands for; see `ports.AskedRunStore`."""
        now = self._clock.now()
        with self._writing(f"the key of run {asked.run_id}"):
            rows = AskedRun.of(self._id)
            old = rows.filter(asked_at__lt=now - KEYS_KEPT).order_by("asked_at")
            rows.filter(pk__in=list(old.values_list("pk", flat=True)[:KEYS_PRUNED_MAX])).delete()
            row, _ = rows.get_or_create(
                organisation_id=self._id, actor=asked.actor, key=asked.key,
                defaults={"digest": asked.digest, "run_id": asked.run_id, "asked_at": now},
            )  # fmt: skip
        return _render_asked(row)

    def find_asked(self, actor: str, key: str) -> ports.AskedRun | None:
        """What the actor's key stands for already."""
        row = AskedRun.of(self._id).filter(actor=actor, key=key).first()
        return None if row is None else _render_asked(row)


def _render_asked(row: AskedRun) -> ports.AskedRun:
    return ports.AskedRun(actor=row.actor, key=row.key, digest=row.digest, run_id=row.run_id)


def _render(rows: QuerySet[ApiToken]) -> list[ports.ApiToken]:
    return [
        ports.ApiToken(
            token_id=row.token_id, person=row.user.username, name=row.name,
            rights=frozenset(map(Right, row.rights)), created_at=row.created_at,
            created_by=row.created_by, expires_at=row.expires_at, used_at=row.used_at,
            revoked_at=row.revoked_at, revoked_by=row.revoked_by,
        )
        for row in rows.select_related("user")
    ]  # fmt: skip
