"""Postings: what shall be written into an ERP, and what became of it.

Every look and its write are one transaction, one at a time per organisation. What must not happen
is refused here in words and once more by the database: unique keys, and triggers on every change.
"""

import json
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Case, QuerySet, Value, When

from ml_connector.ports import UNSETTLED_POSTINGS, Json, Posting, PostingState
from ml_connector.records import models
from ml_connector.records.canonical import render_canonical, verify_plain
from ml_connector.records.errors import (
    EarlierStandsError,
    KeyTakenError,
    NotSendableError,
    OtherContentError,
    ReversalBlockedError,
    SentMeanwhileError,
    SettledPostingError,
    SubjectUnsettledError,
    UnfitKeyError,
    UnknownPostingError,
)
from ml_connector.records.store import OrganisationStore

SENDABLE_POSTINGS = frozenset({PostingState.OPEN, PostingState.UNKNOWN})
INSTANT = timedelta(microseconds=1)
"""The least that two sendings of a posting lie apart: by it they are told from each other."""
KEY = re.compile(r"[A-Z0-9]{8}", re.ASCII)
PLACE = ("flow", "plan_hash", "subject", "generation")
"""What tells one posting from all others."""
JOURNAL = "journal"
"""The kind of posting that an ERP takes first and posts later."""
CONTENT = ("posting_key", "connection", "kind", "content_hash", "reverses")
"""What may not differ when the same posting is made again.

Another run may make it, and totals follow from the content; those of the first time stay.
"""


class PostingRecords(OrganisationStore):
    """A `ports.PostingStore`."""

    def make_posting(self, posting: Posting) -> Posting:
        """The posting is stored, open, or was before; see `ports.PostingStore`.

        Beyond the port's refusals: a further generation is blocked while an earlier one is
        confirmed and not reversed, and a reversal is not itself reversed.
        """
        if not KEY.fullmatch(posting.posting_key):
            raise UnfitKeyError(posting.posting_key)
        with self._writing(f"posting {posting.posting_key}"):
            stored = self._find_same(posting)
            if stored is not None:
                return stored
            self._verify_room(posting)
            return self._add(posting)

    def mark_sent(self, posting_key: str, *, last: datetime | None) -> Posting:
        """The request is about to leave; see `ports.PostingStore`."""
        with self._writing(f"that posting {posting_key} is sent"):
            row = self._load(posting_key)
            if row.state not in SENDABLE_POSTINGS:
                raise NotSendableError(_render(row))
            if row.sent_at != last:
                raise SentMeanwhileError(_render(row), known=last)
            # Clocks of two machines differ; the later time is waited from, and no two are the same.
            now = self._clock.now()
            row.sent_at = max(now, row.sent_at + INSTANT) if row.sent_at else now
            row.save(update_fields=["sent_at"])
        return _render(row)

    def save_posting(
        self,
        posting_key: str,
        state: PostingState,
        *,
        receipt: Json | None = None,
        reason: str = "",
        seen: Posting | None = None,
    ) -> Posting:
        """The posting is in this state; see `ports.PostingStore`.

        A settled posting told again keeps its reason, and its receipt only grows: one that
        contradicts what is stored is refused, since the ERP may then hold two. Without a receipt
        the stored one stays; the reason is that of the newest state. A refused reversal takes
        nothing back, so its posting may be reversed again.
        """
        told = None if receipt is None else _normalise(receipt)
        with self._writing(f"the state of posting {posting_key}"):
            row = self._load(posting_key)
            if seen is not None and row.sent_at != seen.sent_at:
                raise SentMeanwhileError(_render(row), known=seen.sent_at)
            if row.state not in UNSETTLED_POSTINGS:
                _verify_same_outcome(_render(row), state, told or {})
                row.receipt = row.receipt | (told or {})
                row.save(update_fields=["receipt"])
                return _render(row)
            row.reason = reason or (row.reason if row.state == state else "")
            row.receipt = row.receipt if told is None else told
            row.state = state.value
            row.settled_at = None if state in UNSETTLED_POSTINGS else self._clock.now()
            row.save(update_fields=["reason", "receipt", "state", "settled_at"])
            if state is PostingState.REFUSED and row.reverses:
                self._find(row.reverses).update(reversed_by="")
        return _render(row)

    def find_posting(self, posting_key: str) -> Posting | None:
        """The posting of this key."""
        row = self._find(posting_key).first()
        return None if row is None else _render(row)

    def find_made(self, run_id: str) -> Posting | None:
        """The newest posting that this run was the first to make."""
        row = models.Posting.of(self._id).filter(run_id=run_id).order_by("-id").first()
        return None if row is None else _render(row)

    def load_postings(
        self,
        *,
        flow: str | None = None,
        plan_hash: str | None = None,
        connection: str | None = None,
        states: Sequence[PostingState] = (),
        awaits_posting: bool = False,
        limit: int = 1_000,
    ) -> list[Posting]:
        """Postings that fit all that is given, newest first; see `ports.PostingStore`."""
        given = {"flow": flow, "plan_hash": plan_hash, "connection": connection}
        rows = models.Posting.of(self._id).filter(
            **{name: value for name, value in given.items() if value is not None}
        )
        if states:
            rows = rows.filter(state__in=[state.value for state in states])
        if awaits_posting:
            # A receipt that is silent fits neither the value nor its negation, hence the default.
            is_posted = Case(When(receipt__posted=True, then=Value(True)), default=Value(False))
            rows = rows.alias(is_posted=is_posted).filter(kind=JOURNAL, is_posted=False)
        return [_render(row) for row in rows.order_by("-id")[:limit]]

    def load_page(
        self,
        *,
        flow: str | None,
        states: Sequence[PostingState],
        limit: int,
        skip: int = 0,
        before: str = "",
    ) -> list[Posting]:
        """Postings of the flow and states, newest first; see `ports.PostingStore`."""
        rows = models.Posting.of(self._id)
        if before:
            rows = self._older(rows, posting_key=before)
        if flow is not None:
            rows = rows.filter(flow=flow)
        if states:
            rows = rows.filter(state__in=[state.value for state in states])
        return [_render(row) for row in rows.order_by("-id")[skip : skip + limit]]

    def _find(self, posting_key: str) -> QuerySet[models.Posting]:
        return models.Posting.of(self._id).filter(posting_key=posting_key)

    def _load(self, posting_key: str) -> models.Posting:
        row = self._find(posting_key).first()
        if row is None:
            raise UnknownPostingError(posting_key)
        return row

    def _find_same(self, posting: Posting) -> Posting | None:
        """The stored posting of the same key or the same place, when it is the same."""
        place = {name: getattr(posting, name) for name in PLACE}
        at_place = models.Posting.of(self._id).filter(**place)
        row = self._find(posting.posting_key).first() or at_place.first()
        if row is None:
            return None
        stored = _render(row)
        if _list_differences(PLACE, stored, posting):
            raise KeyTakenError(posting, stored)
        if changed := _list_differences(CONTENT, stored, posting):
            raise OtherContentError(posting, stored, changed)
        return stored

    def _verify_room(self, posting: Posting) -> None:
        """Nothing that is stored stands in the way of a new posting."""
        if posting.reverses:
            self._verify_reversible(posting)
        unsettled = models.Posting.of(self._id).filter(
            connection=posting.connection,
            subject=posting.subject,
            state__in=[state.value for state in UNSETTLED_POSTINGS],
        )
        if (row := unsettled.first()) is not None:
            raise SubjectUnsettledError(posting, _render(row))
        if not posting.reverses:
            self._verify_nothing_stands(posting)

    def _verify_reversible(self, posting: Posting) -> None:
        row = self._find(posting.reverses).filter(connection=posting.connection).first()
        if row is None:
            raise ReversalBlockedError(posting, "it is not known there")
        if row.state != PostingState.CONFIRMED:
            raise ReversalBlockedError(posting, f"it is {row.state}, not confirmed")
        if row.reversed_by:
            raise ReversalBlockedError(posting, f"it is reversed by {row.reversed_by} already")
        if row.reverses:
            raise ReversalBlockedError(posting, f"it is itself the reversal of {row.reverses}")

    def _verify_nothing_stands(self, posting: Posting) -> None:
        earlier = models.Posting.of(self._id).filter(
            flow=posting.flow,
            plan_hash=posting.plan_hash,
            subject=posting.subject,
            reverses="",
            state=PostingState.CONFIRMED.value,
        )
        for row in earlier.order_by("id"):
            reversal = self._find(row.reversed_by).first() if row.reversed_by else None
            if reversal is None or reversal.state != PostingState.CONFIRMED:
                raise EarlierStandsError(posting, _render(row))

    def _add(self, posting: Posting) -> Posting:
        row = models.Posting.of(self._id).create(
            organisation_id=self._id,
            **{name: getattr(posting, name) for name in (*PLACE, *CONTENT)},
            run_id=posting.run_id,
            totals=verify_plain(posting.totals),
            state=PostingState.OPEN.value,
            reason=posting.reason,
            made_at=posting.made_at,
        )
        if posting.reverses:
            self._find(posting.reverses).update(reversed_by=posting.posting_key)
        return _render(row)


def _normalise(receipt: Json) -> Json:
    """The receipt as it is read back: tuples are lists."""
    plain: Json = json.loads(render_canonical(receipt))
    return plain


def _list_differences(names: Sequence[str], stored: Posting, posting: Posting) -> list[str]:
    return [name for name in names if getattr(stored, name) != getattr(posting, name)]


def _verify_same_outcome(stored: Posting, state: PostingState, receipt: Json) -> None:
    """What is told again of a settled posting contradicts nothing that is stored."""
    if state is not stored.state:
        raise SettledPostingError(stored, state=state, finding="a settled posting never changes")
    for name, value in receipt.items():
        if name in stored.receipt and stored.receipt[name] != value:
            finding = f"its {name} is {stored.receipt[name]!r}, not {value!r}"
            raise SettledPostingError(stored, state=state, finding=finding)


def _render(row: models.Posting) -> Posting:
    return Posting(
        posting_key=row.posting_key,
        flow=row.flow,
        run_id=row.run_id,
        plan_hash=row.plan_hash,
        connection=row.connection,
        kind=row.kind,
        subject=row.subject,
        generation=row.generation,
        content_hash=row.content_hash,
        totals=row.totals,
        state=PostingState(row.state),
        receipt=row.receipt,
        reason=row.reason,
        reverses=row.reverses,
        reversed_by=row.reversed_by,
        made_at=row.made_at,
        sent_at=row.sent_at,
        settled_at=row.settled_at,
    )
