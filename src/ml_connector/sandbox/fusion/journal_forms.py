"""Batches as tests write them in JSON, checked and turned into journals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from ml_connector.sandbox.company.copies import account_journal, line_net
from ml_connector.sandbox.company.ledgers import LEDGERS_BY_NAME
from ml_connector.sandbox.company.model import Batch, Journal, JournalLine, Ledger
from ml_connector.sandbox.company.rates import RATE_TYPE, find_rate
from ml_connector.sandbox.fusion.amounts import parse_amount, parse_optional
from ml_connector.sandbox.store import Store

STATUSES = frozenset("UPSIE")
_CREATED_BY = "FIN_INTEGRATION"
_STAT = "STAT"


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalForms:
    """Reads batch forms against the value sets of the store."""

    store: Store

    def parse_batch(self, body: Mapping[str, Any], at: datetime) -> Batch:
        """Return the batch a form describes.

        Raises:
            LookupError: A ledger or period is unknown.
            ValueError: An amount, a combination or the balance is wrong.
        """
        journals = self.parse_journals(body["journals"])
        first = journals[0]
        if any(journal.ledger.chart is not first.ledger.chart for journal in journals):
            raise ValueError("The journals of one batch belong to one chart of accounts.")
        status = str(body.get("status", "P"))
        return Batch(
            name=str(body["name"]),
            description=body.get("description"),
            source=str(body.get("source", "Manual")),
            default_period=str(body.get("period", first.period)),
            chart=first.ledger.chart,
            calendar=first.ledger.calendar,
            status=status,
            created_at=at,
            updated_at=at,
            created_by=str(body.get("created_by", _CREATED_BY)),
            journals=journals,
            actual_flag=str(body.get("actual_flag", "A")),
            parent_batch=body.get("parent_batch"),
            error=body.get("error"),
        )

    def parse_journals(self, forms: Iterable[Mapping[str, Any]]) -> tuple[Journal, ...]:
        """Return the journals of a form; there is at least one."""
        journals = tuple(self._journal(form) for form in forms)
        if not journals:
            raise ValueError("A batch has at least one journal.")
        return journals

    def _journal(self, form: Mapping[str, Any]) -> Journal:
        ledger = _ledger(str(form["ledger"]))
        period = ledger.calendar.period(str(form["period"]))
        day = date.fromisoformat(str(form.get("date", period.last_day)))
        currency = str(form.get("currency", ledger.currency))
        journal = Journal(
            name=str(form.get("name", f"{period.name} {currency}")),
            description=form.get("description"),
            ledger=ledger,
            period=period.name,
            effective_on=day,
            currency=currency,
            rate=_rate(form, ledger, currency, day),
            rate_type="User" if currency == ledger.currency else RATE_TYPE,
            category=str(form.get("category", "Adjustment")),
            legal_entity=form.get("legal_entity"),
            lines=tuple(self._line(ledger, n, line) for n, line in enumerate(form["lines"], 1)),
            encumbrance=form.get("encumbrance"),
        )
        return self._balanced(_accounted(journal))

    def _line(self, ledger: Ledger, number: int, form: Mapping[str, Any]) -> JournalLine:
        combination = str(form["combination"])
        self._verify_combination(ledger, combination)
        where = f"Line {number}"
        return JournalLine(
            number=number,
            combination=combination,
            entered_dr=parse_optional(form.get("debit"), where=where),
            entered_cr=parse_optional(form.get("credit"), where=where),
            accounted_dr=parse_optional(form.get("accounted_debit"), where=where),
            accounted_cr=parse_optional(form.get("accounted_credit"), where=where),
            description=form.get("description"),
            stat_amount=parse_optional(form.get("stat_amount"), where=where),
        )

    def _verify_combination(self, ledger: Ledger, combination: str) -> None:
        parts = ledger.chart.split(combination)
        if len(parts) != len(ledger.chart.segments):
            raise ValueError(f"{combination} is no combination of {ledger.chart.name}.")
        for part, segment in zip(parts, ledger.chart.segments, strict=True):
            if not self._is_postable(segment.value_set, part):
                raise ValueError(f"Value {part} of {segment.value_set!r} takes no postings.")

    def _is_postable(self, value_set: str, value: str) -> bool:
        sql = (
            "SELECT 1 FROM segment_values v JOIN value_sets s ON s._id = v._parent"
            " WHERE s.ValueSetCode = ? AND v.Value = ? AND v.EnabledFlag = 'Y'"
            " AND v.SummaryFlag = 'N'"
        )
        return bool(self.store.query(sql, (value_set, value)))

    def _balanced(self, journal: Journal) -> Journal:
        net = sum((line_net(line) for line in journal.lines), Decimal(0))
        if net != 0 and journal.currency != _STAT:
            raise ValueError(f"Journal {journal.name!r} does not balance: {net}.")
        return journal


def _ledger(name: str) -> Ledger:
    if name not in LEDGERS_BY_NAME:
        raise LookupError(f"There is no ledger {name!r}; known: {sorted(LEDGERS_BY_NAME)}.")
    return LEDGERS_BY_NAME[name]


def _rate(form: Mapping[str, Any], ledger: Ledger, currency: str, day: date) -> Decimal:
    if "rate" in form:
        return parse_amount(form["rate"], where="The rate")
    return find_rate(currency, ledger.currency, day)


def _accounted(journal: Journal) -> Journal:
    """Return the journal with accounted amounts; those the form gives are kept."""
    given = [line.accounted_dr is None and line.accounted_cr is None for line in journal.lines]
    return account_journal(journal) if all(given) else journal
