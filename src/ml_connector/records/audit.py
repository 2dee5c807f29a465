"""The audit chain of one organisation: appended, searched, walked, exported."""

import json
from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import IntegrityError
from django.db.models import Max, Min, Q, Subquery
from django.db.models.functions import Coalesce

from ml_connector.errors import DatabaseAwayError
from ml_connector.ports import AuditRow, Clock
from ml_connector.records import models
from ml_connector.records.canonical import render_canonical
from ml_connector.records.chain import (
    FIRST_HASH,
    ChainEnd,
    broken_link,
    hash_link,
    make_plain,
    render_instant,
    render_line,
    verify_chain,
)
from ml_connector.records.store import OrganisationStore, split_chunks

LINKS_PER_PAGE = 1_000
LINKS_SEARCHED_MAX = 20_000
"""Newest links that are looked through for a text that is neither a run nor a subject."""
UNANSWERED_MAX = 1_000
"""Events remembered whose storing the database has not answered; the oldest are forgotten."""


class AuditRecords(OrganisationStore):
    """A `ports.Audit`.

    Triggers refuse to change or remove a link. Who may drop triggers can rewrite the whole chain,
    hashes and all; against that helps only an exported chain kept elsewhere.
    """

    def __init__(self, organisation_id: int, *, clock: Clock) -> None:
        super().__init__(organisation_id, clock=clock)
        self._unanswered: dict[str, datetime] = {}

    def record(
        self, event: str, *, subject: str, actor: str, run_id: str = "", **details: Any
    ) -> None:
        """The event is the newest link; amounts and instants in the details become text.

        One that was told before, and whose storing a database that went away has not answered, is
        looked for by its instant: told again it stands once.

        Raises:
            DatabaseAwayError: Whether it is stored is not known; tell it again.
            UnexplainedDifferenceError: The chain does not end where its head says; nothing is
                stored.
        """
        plain = make_plain(details)
        told = render_canonical([event, subject, actor, run_id, plain])
        link = AuditRow(
            number=0,  # Number and hashes are given once the chain is locked.
            at=self._unanswered.get(told) or self._clock.now(),
            actor=actor,
            event=event,
            subject=subject,
            run_id=run_id,
            details=plain,
            hash_before="",
            hash_after="",
        )
        try:
            with self._writing(f"the audit event {event}"):
                if told not in self._unanswered or not self._stands(link):
                    self._append(link)
            self._unanswered.pop(told, None)
        except DatabaseAwayError:
            self._remember(told, link.at)
            raise
        except IntegrityError as error:
            number = self._load_end().number + 1
            raise broken_link(number, "it stands where the chain ends") from error

    def find(self, text: str, *, limit: int = 200, before: int = 0) -> list[AuditRow]:
        """The newest `limit` links about the text, oldest first; see `ports.Audit`.

        Those of the run or with the subject, along indexes; those that name it anywhere, among the
        newest links.
        """
        rows = models.AuditLink.of(self._id)
        rows = rows.filter(number__lt=before) if before else rows
        anywhere = Q(subject__icontains=text) | Q(run_id__icontains=text)
        newest = rows.filter(number__gt=self._load_end().number - LINKS_SEARCHED_MAX)
        found = [
            rows.filter(run_id=text), rows.filter(subject=text),
            newest.filter(anywhere | Q(details__icontains=text)),
        ]  # fmt: skip
        by_number = {row.number: row for its in found for row in its.order_by("-number")[:limit]}
        return [_parse(by_number[number]) for number in sorted(by_number)[-limit:]]

    def find_span(self, runs: Collection[str]) -> tuple[int, int] | None:
        """Numbers of the first and the last link about these runs; see `ports.Audit`."""
        numbers: list[int] = []
        for chunk in split_chunks(sorted(set(runs))):
            rows = models.AuditLink.of(self._id).filter(run_id__in=chunk)
            its = rows.aggregate(first=Min("number"), last=Max("number"))
            numbers += [one for one in its.values() if one is not None]
        return (min(numbers), max(numbers)) if numbers else None

    def load_range(self, first: int, last: int) -> Iterator[AuditRow]:
        """Yield the links from one number to another, a page at a time; see `ports.Audit`."""
        return self._walk(after=first - 1, until=last)

    def verify(self) -> int:
        """Number of links, all of which verify; see `ports.Audit`."""
        # Links may be added while this walks; it ends where the chain ended at the start.
        end = self._load_end()
        links = verify_chain(self._walk(until=end.number), end=end)
        self._refuse_links_beyond_head()
        return links

    def export(self) -> Iterator[str]:
        """Yield the chain as lines of JSON, oldest link first; `chain.parse_lines` reads them."""
        for row in self._walk():
            yield render_line(row)

    def _remember(self, told: str, at: datetime) -> None:
        self._unanswered[told] = at
        if len(self._unanswered) > UNANSWERED_MAX:
            del self._unanswered[next(iter(self._unanswered))]

    def _stands(self, link: AuditRow) -> bool:
        """Whether the chain holds the event as it was told at that very instant."""
        same = models.AuditLink.of(self._id).filter(
            at=render_instant(link.at), event=link.event, subject=link.subject, actor=link.actor
        )
        return same.filter(run_id=link.run_id, details=render_canonical(link.details)).exists()

    def _append(self, event: AuditRow) -> None:
        head, _ = models.AuditHead.of(self._id).get_or_create(
            organisation_id=self._id, defaults={"number": 0, "hash_after": FIRST_HASH}
        )
        link = replace(event, number=head.number + 1, hash_before=head.hash_after)
        link = replace(link, hash_after=hash_link(link))
        models.AuditLink.of(self._id).create(
            organisation_id=self._id,
            number=link.number,
            at=render_instant(link.at),
            actor=link.actor,
            event=link.event,
            subject=link.subject,
            run_id=link.run_id,
            details=render_canonical(link.details),
            hash_before=link.hash_before,
            hash_after=link.hash_after,
        )
        head.number = link.number
        head.hash_after = link.hash_after
        head.save(update_fields=["number", "hash_after"])

    def _load_end(self) -> ChainEnd:
        head = models.AuditHead.of(self._id).first()
        return ChainEnd(0, FIRST_HASH) if head is None else ChainEnd(head.number, head.hash_after)

    def _walk(self, *, after: int | None = None, until: int | None = None) -> Iterator[AuditRow]:
        """Yield the links by number, a page at a time: no cursor stays open when the walk stops."""
        left = models.AuditLink.of(self._id).order_by("number")
        if after is not None:
            left = left.filter(number__gt=after)
        if until is not None:
            left = left.filter(number__lte=until)
        page = list(left[:LINKS_PER_PAGE])
        while page:
            yield from map(_parse, page)
            page = list(left.filter(number__gt=page[-1].number)[:LINKS_PER_PAGE])

    def _refuse_links_beyond_head(self) -> None:
        # One statement, so that a link and the head that came with it are seen together.
        head = models.AuditHead.of(self._id).values("number")[:1]
        beyond = models.AuditLink.of(self._id).filter(number__gt=Coalesce(Subquery(head), 0))
        first = beyond.order_by("number").first()
        if first is not None:
            raise broken_link(first.number, "it was put in after the end of the chain")


def _parse(row: models.AuditLink) -> AuditRow:
    """The link as it was hashed.

    Raises:
        UnexplainedDifferenceError: Its text is not in the one spelling the chain writes.
    """
    try:
        at = datetime.fromisoformat(row.at)
        details = json.loads(row.details)
        is_own_spelling = render_canonical(details) == row.details and render_instant(at) == row.at
    except (ValueError, TypeError) as error:
        raise broken_link(row.number, "its text does not parse") from error
    if not is_own_spelling:
        raise broken_link(row.number, "it was changed after it was written")
    return AuditRow(
        number=row.number,
        at=at,
        actor=row.actor,
        event=row.event,
        subject=row.subject,
        run_id=row.run_id,
        details=details,
        hash_before=row.hash_before,
        hash_after=row.hash_after,
    )
