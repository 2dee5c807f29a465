"""Sign-offs of periods: appended, taken back, never changed.

Every look and its write are one transaction, one at a time per organisation, so that people who
sign at the same instant sign one after the other. The database refuses once more what must not be.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.db.models import Max, QuerySet

from ml_connector.ports import SignedScope, SignOff
from ml_connector.records import models
from ml_connector.records.canonical import render_canonical
from ml_connector.records.chain import render_instant
from ml_connector.records.errors import CountsAsOneError
from ml_connector.records.keepers import find_together, fold_person
from ml_connector.records.sign_off_errors import (
    OwnRunError,
    SignedAlreadyError,
    SignedSinceError,
    UnfitSignOffError,
    UnknownSignOffError,
    WithdrawnAlreadyError,
)
from ml_connector.records.sign_off_makers import find_makers, find_writers, list_writers
from ml_connector.records.store import OrganisationStore, split_chunks


class SignOffRecords(OrganisationStore):
    """A `ports.SignOffStore`."""

    def record_sign_off(self, sign_off: SignOff, *, changed_at: datetime | None) -> SignOff:
        """The period is signed; see `ports.SignOffStore`."""
        _verify_fit(sign_off)
        with self._writing(f"the sign-off of {' '.join(sign_off.scope)}"):
            self._verify_other_person(sign_off)
            newest = self.find_newest([sign_off.scope]).get(sign_off.scope)
            if newest is not None and newest.holds(sign_off.proof_hash, changed_at=changed_at):
                raise SignedAlreadyError(newest)
            number = newest.number + 1 if newest else 1
            said = sign_off.comment.strip()
            signed = replace(sign_off, number=number, comment=said, signed_at=self._clock.now())
            signed = replace(signed, sign_off_id=_make_id(signed))
            models.SignOff.of(self._id).create(organisation_id=self._id, **_render_row(signed))
        return signed

    def withdraw_sign_off(self, sign_off_id: str, *, actor: str, reason: str) -> SignOff:
        """The sign-off is taken back; see `ports.SignOffStore`."""
        if not fold_person(actor) or not reason.strip():
            raise UnfitSignOffError("nobody is named as who takes it back, or no reason is given")
        with self._writing(f"the withdrawal of sign-off {sign_off_id}"):
            stored = self.find_sign_off(sign_off_id)
            if stored is None:
                raise UnknownSignOffError(sign_off_id)
            if stored.withdrawn_at is not None:
                raise WithdrawnAlreadyError(stored)
            newest = self.find_newest([stored.scope])[stored.scope]
            if newest.sign_off_id != sign_off_id:
                raise SignedSinceError(stored, newest)
            row = self._rows().get(sign_off_id=sign_off_id)
            models.Withdrawal.of(self._id).create(
                organisation_id=self._id, sign_off_id=row.pk, actor=actor, reason=reason.strip(),
                at=self._clock.now(),
            )  # fmt: skip
            return self._render_all([row])[0]

    def find_sign_off(self, sign_off_id: str) -> SignOff | None:
        """The sign-off of this id."""
        return next(iter(self._render_all(self._rows().filter(sign_off_id=sign_off_id))), None)

    def find_newest(self, scopes: Iterable[SignedScope]) -> Mapping[SignedScope, SignOff]:
        """The newest sign-off of each period that ever had one."""
        wanted = set(scopes)
        flows, periods = ({scope[at] for scope in wanted} for at in (0, 2))
        found = {}
        # By the values of each column: naming the periods one by one takes far longer to read.
        for ledgers in split_chunks(sorted({scope.ledger for scope in wanted})):
            rows = self._rows().filter(flow__in=flows, ledger__in=ledgers, period__in=periods)
            newest = rows.values("flow", "ledger", "period").annotate(newest=Max("pk"))
            asked = [row["newest"] for row in newest if _scope_of(row) in wanted]
            for one in self._load_by_key(asked):
                found[one.scope] = one
        return found

    def load_sign_offs(
        self, *, flow: str = "", ledger: str = "", period: str = "", limit: int = 200,
        before: str = "",
    ) -> list[SignOff]:  # fmt: skip
        """Sign-offs that fit all that is given, newest first; see `ports.SignOffStore`."""
        asked = {"flow": flow, "ledger": ledger, "period": period}
        rows = self._rows().filter(**{name: value for name, value in asked.items() if value})
        rows = self._older(rows, sign_off_id=before) if before else rows
        return self._render_all(rows.order_by("-id")[:limit])

    def list_writers(self, scope: SignedScope) -> set[str]:
        """The runs that wrote into the period; see `ports.SignOffStore`."""
        return list_writers(self._id, scope)

    def _rows(self) -> QuerySet[models.SignOff]:
        return models.SignOff.of(self._id)

    def _load_by_key(self, keys: Collection[int]) -> Iterator[SignOff]:
        for chunk in split_chunks(keys):
            yield from self._render_all(self._rows().filter(pk__in=chunk))

    def _verify_other_person(self, sign_off: SignOff) -> None:
        """Whoever started or resumed a run does not stand for what it came to."""
        mine = find_together(self._id, [sign_off.signed_by])
        makers = find_makers(self._id, find_writers(self._id, sign_off))
        for actor, run_id in sorted(makers.items()):
            theirs = find_together(self._id, [actor])
            if mine.names & theirs.names:
                raise OwnRunError(sign_off, run_id=run_id)
            if mine.wide & theirs.wide:
                what = f"cannot sign {sign_off.period} of {sign_off.ledger} beside who made"
                kept = {**mine.kept, **theirs.kept}
                raise CountsAsOneError(sign_off.signed_by, f"{what} run {run_id}", kept=kept)

    def _render_all(self, rows: Iterable[models.SignOff]) -> list[SignOff]:
        listed = list(rows)
        taken = {}
        for chunk in split_chunks(row.pk for row in listed):
            for one in models.Withdrawal.of(self._id).filter(sign_off_id__in=chunk):
                taken[one.sign_off_id] = one
        return [_render(row, taken.get(row.pk)) for row in listed]


def _scope_of(row: Mapping[str, Any]) -> SignedScope:
    return SignedScope(row["flow"], row["ledger"], row["period"])


def _verify_fit(sign_off: SignOff) -> None:
    finding = ""
    if not fold_person(sign_off.signed_by):
        finding = "nobody is named as who signs"
    elif not sign_off.comment.strip():
        finding = "no comment is given"
    elif not sign_off.proof_hash or not sign_off.run_id:
        finding = "no run has proved the period"
    elif not all(sign_off.scope):
        finding = "flow, ledger and period are not all named"
    if finding:
        raise UnfitSignOffError(finding)


def _make_id(sign_off: SignOff) -> str:
    """Short enough to be typed; the number of the period is in it, so none comes twice."""
    said = [
        *sign_off.scope, sign_off.number, sign_off.proof_hash, sign_off.signed_by,
        render_instant(sign_off.signed_at),
    ]  # fmt: skip
    return sha256(render_canonical(said).encode()).hexdigest()[:16]


def _render_row(sign_off: SignOff) -> dict[str, object]:
    return {
        "sign_off_id": sign_off.sign_off_id,
        **sign_off.scope._asdict(),
        "number": sign_off.number,
        "proof_hash": sign_off.proof_hash,
        "run_id": sign_off.run_id,
        "signed_by": sign_off.signed_by,
        "comment": sign_off.comment,
        "stated": render_canonical(sign_off.stated),
        "signed_at": sign_off.signed_at,
    }


def _render(row: models.SignOff, taken: models.Withdrawal | None) -> SignOff:
    return SignOff(
        sign_off_id=row.sign_off_id,
        flow=row.flow,
        ledger=row.ledger,
        period=row.period,
        number=row.number,
        proof_hash=row.proof_hash,
        run_id=row.run_id,
        signed_by=row.signed_by,
        comment=row.comment,
        stated=json.loads(row.stated),
        signed_at=row.signed_at,
        withdrawn_by=taken.actor if taken else "",
        withdrawn_at=taken.at if taken else None,
        reason=taken.reason if taken else "",
    )
