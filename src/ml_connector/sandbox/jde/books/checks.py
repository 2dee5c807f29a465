"""The rules a line has to pass before it is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from ml_connector.sandbox.jde.books.companies import COMPANIES_BY_NUMBER, DECIMALS
from ml_connector.sandbox.jde.books.documents import SUBLEDGER_OFFSETS, Entry
from ml_connector.sandbox.jde.books.lookups import (
    LedgerTypeFacts,
    MasterAccount,
    find_account,
    find_ledger_type,
    load_current_period,
)
from ml_connector.sandbox.jde.books.patterns import place_of
from ml_connector.sandbox.jde.books.requests import (
    JournalLine,
    JournalRequest,
    LineReject,
)
from ml_connector.sandbox.jde.raw import scale_up
from ml_connector.sandbox.store import Store

_UNIT_DECIMALS = 2
_AMOUNT_LIMIT = Decimal(10) ** 15
_PERIODS_AHEAD_MAX = 2
_PRIOR_SETTINGS = "jde.prior_period"
_BUDGETS_START_WITH = ("B", "J")
_EDIT_CODES_REFUSED = {"N": "non-posting", "I": "inactive", "M": "for machine entries only"}


def set_prior_period(store: Store, company: str, setting: str) -> None:
    """The company answers a day before its current period with `warn` or `error`."""
    if setting not in {"warn", "error"}:
        raise ValueError(f"The setting is warn or error, not {setting!r}.")
    store.save(_PRIOR_SETTINGS, company, setting)


def forget_prior_period(store: Store) -> None:
    """Every company warns."""
    store.clear_space(_PRIOR_SETTINGS)


@dataclass(slots=True, kw_only=True)
class Check:
    """Judges one request; what is refused stands in `rejects`, the rest in `warnings`."""

    store: Store
    request: JournalRequest
    rejects: list[LineReject]
    warnings: list[str]

    def entries(self) -> list[Entry]:
        """Return the lines as entries; refused ones are left out."""
        self._check_document()
        if self.rejects:
            return []
        entries = [entry for line in self.request.lines for entry in self._entry(line)]
        if not self.rejects:
            self._check_balance(entries)
        return entries

    @property
    def currency(self) -> str:
        """The currency of the document."""
        own = COMPANIES_BY_NUMBER[self.request.company].currency
        return self.request.currency.strip() or own

    def _check_document(self) -> None:
        request = self.request
        if request.company not in COMPANIES_BY_NUMBER:
            self._reject(0, "CO", f"Company {request.company!r} invalid")
            return
        if self.currency not in DECIMALS:
            self._reject(0, "CRCD", f"Currency {self.currency!r} invalid")
        if request.currency.strip() and request.ledger_type != "AA" and self._is_foreign():
            self._reject(0, "CRCD", f"Ledger type {request.ledger_type} takes no foreign currency")
        if not request.lines:
            self._reject(0, "LINES", "The document has no lines")
        facts = find_ledger_type(self.store, request.ledger_type)
        if facts is None:
            self._reject(0, "LT", f"Ledger type {request.ledger_type!r} invalid")
        elif facts.refuses_journals:
            self._reject(0, "FCJE", f"Cannot create journal for ledger type {request.ledger_type}")
        self._check_header()
        self._check_day()

    def _check_header(self) -> None:
        request = self.request
        if not request.batch:
            return
        sql = "SELECT IST FROM F0011 WHERE ICUT = ? AND ICU = ?"
        found = self.store.query(sql, (request.batch_type, request.batch))
        if found and found[0][0] in {"U", "P"}:
            self._reject(0, "0068", f"Batch {request.batch} is in use or posting")
        elif found and found[0][0] == "D":
            self._reject(0, "BATCH", f"Batch {request.batch} is posted")

    def _check_day(self) -> None:
        """Prior year, before and after the current period, way after."""
        request = self.request
        company = COMPANIES_BY_NUMBER[request.company]
        current = load_current_period(self.store, request.company)
        year, number = place_of(company.pattern, request.day)
        ahead = (year - current.year_first.year) * 12 + number - current.number
        if request.day < current.year_first:
            self._judge("PYEB", "G/L date is in a prior year", is_error=not request.may_be_prior)
        elif ahead < 0:
            setting = self.store.find(_PRIOR_SETTINGS, request.company)
            self._judge("PBCO", "G/L date is before the cut-off", is_error=setting == "error")
        elif ahead > _PERIODS_AHEAD_MAX:
            self._judge("WACO", "G/L date is way after the cut-off", is_error=False)
        elif ahead > 0:
            self._judge("PACO", "Period after current open period", is_error=False)
        if request.period is not None and (number != 12 or request.period not in {13, 14}):
            self._reject(0, "PN", f"Period {request.period} does not go with {request.day}")

    def _entry(self, line: JournalLine) -> Iterator[Entry]:
        account = find_account(self.store, typed=line.account, account_id=line.account_id)
        if account is None:
            name = line.account_id or line.account
            self._reject(line.number, "0026", f"Account number {name!r} invalid")
            return
        if not self._may_use(line, account):
            return
        amount = self._raw_amount(line)
        units = scale_up(line.units, _UNIT_DECIMALS)
        if amount is not None:
            yield Entry(
                account.key,
                amount,
                line.remark[:30],
                line.subledger[:8],
                line.subledger_type[:1],
                units,
            )

    def _may_use(self, line: JournalLine, account: MasterAccount) -> bool:
        code, name = account.edit_code, account.key.ANI
        is_budget = self.request.ledger_type.startswith(_BUDGETS_START_WITH)
        if code in _EDIT_CODES_REFUSED:
            meaning = _EDIT_CODES_REFUSED[code]
            return self._reject(line.number, "0027", f"Account {name} is {meaning}")
        if code == "B" and not is_budget:
            return self._reject(line.number, "0028", f"Account {name} takes budgets only")
        if code == "U" and not self.request.ledger_type.endswith("U"):
            return self._reject(line.number, "0029", f"Account {name} takes units only")
        if code == "L" and not (line.subledger.strip() and line.subledger_type.strip()):
            return self._reject(line.number, "0030", f"Account {name} requires a subledger")
        if code == "X" and line.subledger.strip():
            return self._reject(line.number, "0031", f"Account {name} takes no subledger")
        return True

    def _raw_amount(self, line: JournalLine) -> int | None:
        decimals = DECIMALS[self.currency]
        is_units = self.request.ledger_type.endswith("U")
        amount = line.units if is_units and not line.amount else line.amount
        if abs(amount) >= _AMOUNT_LIMIT:
            self._reject(line.number, "SIZE", f"Amount {amount} is too large")
            return None
        step = Decimal(1).scaleb(-decimals)
        if amount != amount.quantize(step, ROUND_HALF_UP):
            text = f"Amount {amount} has more than {decimals} decimals"
            if self.request.excess_decimals == "reject":
                self._reject(line.number, "DECIMALS", text)
                return None
            self.warnings.append(f"line {line.number}: {text}; it was rounded half up")
        return scale_up(amount, decimals)

    def _check_balance(self, entries: list[Entry]) -> None:
        """Sub-ledger batches are balanced by the post, all others by whoever enters them."""
        facts = find_ledger_type(self.store, self.request.ledger_type)
        total = sum(entry.amount for entry in entries)
        balanced_later = self.request.batch_type in SUBLEDGER_OFFSETS
        if _must_balance(facts) and total and not balanced_later:
            self._reject(
                0, "0032", f"Document out of balance by {total} units of {self.currency}, unscaled"
            )

    def _is_foreign(self) -> bool:
        return self.currency != COMPANIES_BY_NUMBER[self.request.company].currency

    def _judge(self, code: str, message: str, *, is_error: bool) -> None:
        if is_error:
            self._reject(0, code, message)
        else:
            self.warnings.append(f"{message} ({code})")

    def _reject(self, line: int, code: str, message: str) -> bool:
        self.rejects.append(LineReject(line=line, code=code, message=message))
        return False


def _must_balance(facts: LedgerTypeFacts | None) -> bool:
    return facts is not None and facts.must_balance
