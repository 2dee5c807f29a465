"""The journal target over an orchestration: what is asked first, one sending, what is shown."""

import threading
from collections.abc import Iterator
from datetime import date
from typing import Final

from ml_connector.domain.journals import Journal
from ml_connector.domain.ledger import Ledger
from ml_connector.domain.periods import Period
from ml_connector.ports import (
    JournalAccount,
    JournalHead,
    JournalReceipt,
    LedgerRules,
    PeriodVerdict,
)
from ml_connector.systems.calls import RemoteReply
from ml_connector.systems.jde.account_windows import read_by_account
from ml_connector.systems.jde.client import OrchestrationRow
from ml_connector.systems.jde.conditions import Query, any_of, equal
from ml_connector.systems.jde.connection import USER_DATES, JdeSettings
from ml_connector.systems.jde.dates import build_date_renderer
from ml_connector.systems.jde.journal_lines import KeyedLines
from ml_connector.systems.jde.journal_rules import (
    LedgerRuleRow,
    find_account_refusal,
    find_ledger_refusal,
    judge_period,
    must_balance,
    render_unfit,
    verify_sendable,
)
from ml_connector.systems.jde.masters import MasterReader
from ml_connector.systems.jde.members import list_values, render_account
from ml_connector.systems.jde.orchestration_wire import FORMATS, Form, render_inputs
from ml_connector.systems.jde.orchestrations import (
    FORBIDDEN,
    UNSIGNED,
    Sent,
    read_receipt,
    render_missing,
    render_not_taken,
    render_unclear,
)
from ml_connector.systems.jde.reference import Kept
from ml_connector.systems.jde.rows import (
    ACCOUNTS,
    LEDGER_TYPES,
    AccountRow,
    build_rows,
    columns_of,
)
from ml_connector.systems.jde.translation import build_chart, parse_ledger, render_batch_id

ACCOUNTS_PER_CALL: Final = 200


class JournalDesk:
    """Implements what `ports.JournalTarget` asks; one journal at a time is on its way."""

    def __init__(self, lines: KeyedLines, masters: MasterReader, *, settings: JdeSettings) -> None:
        self._client = lines.client
        self._reference = lines.reference
        self._masters = masters
        self._lines = lines
        self._connection = settings
        self.settings = settings.orchestration
        self._sending = threading.Lock()
        self._told = Kept(self.find_orchestration, clock=lines.clock)
        self._denied_in = 0
        """The session in which a fresh log-in did not help against a 403."""

    def find_orchestration(self) -> OrchestrationRow:
        """The orchestration, as the server tells of it.

        Raises:
            OrchestrationMissingError: It is not among those the user may call.
        """
        name = self.settings.name
        listed = {row.name: row for row in self._client.discover()}
        if name not in listed:
            seen = ", ".join(sorted(listed)) or "none"
            raise render_missing(self._client.system, name, f"visible: {seen[:300]}")
        return listed[name]

    def read_rules(self, ledger: Ledger) -> LedgerRules:
        """What JD Edwards asks of approved amounts in the ledger."""
        ledger_type = parse_ledger(ledger.name).ledger_type
        rows = self._reference.read_table(LedgerRuleRow, LEDGER_TYPES, equal("LT", ledger_type))
        row = next((each for each in rows if each.lt == ledger_type), None)
        refuses = find_ledger_refusal(ledger_type, row)
        if not refuses and not ledger.currency:
            refuses = f"company {ledger.ledger_id} has no currency"
        return LedgerRules(
            must_balance=must_balance(ledger_type, row),
            decimals=self._reference.load_books().decimals_of(ledger.currency),
            refuses=refuses,
        )

    def read_accounts(self, ledger: Ledger) -> Iterator[JournalAccount]:
        """Yield every account of the ledger's company, those that refuse lines with the reason."""
        name = parse_ledger(ledger.name)
        settings = self._connection
        units = self._masters.load_units()
        segments = build_chart(
            settings.account_categories, settings.business_unit_categories
        ).segments
        query = Query(
            table=ACCOUNTS,
            columns=columns_of(AccountRow, settings.account_categories),
            conditions=(equal("CO", name.company),),
        )
        for rows in read_by_account(self._client, query):
            for row in build_rows(AccountRow, rows):
                values = list_values(row, units, settings)
                yield JournalAccount(
                    account=row.aid,
                    text=_render_text(row),
                    facts=dict(zip(segments, values, strict=True)),
                    refuses=find_account_refusal(row.pec, name.ledger_type),
                )

    def read_verdict(self, ledger: Ledger, period: Period) -> PeriodVerdict:
        """What JD Edwards would say of a journal in the period.

        Raises:
            CalendarUnfitError: The company stands in no period of its calendar.
        """
        return judge_period(period, self._reference.find_current(parse_ledger(ledger.name)))

    def submit(self, journal: Journal, head: JournalHead) -> JournalReceipt:
        """The journal is entered once.

        What bears the key already is looked for before; what is there is never sent again.

        Raises:
            RefusedError: Nothing was entered, and the text says why.
            OutcomeUnknownError: Nobody told whether it was.
        """
        with self._sending:
            books = self._reference.load_books()
            decimals = books.decimals_of(journal.currency)
            verify_sendable(journal, head, decimals=decimals)
            body = self._render(journal, head)
            known = self._lines.read(head.posting_key)
            if known:
                first = known[0]
                return JournalReceipt(
                    batch_id=render_batch_id(*first.batch),
                    document=first.document,
                    is_duplicate=True,
                )
            sent = self._describe(journal, head)
            return read_receipt(self._send(body, sent), sent)

    def _render(self, journal: Journal, head: JournalHead) -> bytes:
        settings = self.settings
        if head.post_at_once and "PostAfterCreate" not in settings.head_names:
            raise render_unfit(head, "it is to be posted at once, and the input that says so is"
                               " left out in the connection's `orchestration.inputs`")  # fmt: skip
        form = Form(
            input_format=self._find_format(),
            settings=settings,
            render_date=self._render_date,
        )
        return render_inputs(form, journal, head, accounts=self._read_texts(journal, head))

    def _render_date(self, day: date) -> str:
        pattern = self.settings.date_format
        if pattern == USER_DATES:
            pattern = self._client.read_session().date_format
        return build_date_renderer(pattern, code="", separator="")(day)

    def _find_format(self) -> str:
        settings = self.settings
        if settings.input_format is not None:
            return settings.input_format
        told = self._told.load().input_format
        if told.casefold() not in FORMATS:
            known = ", ".join(FORMATS.values())
            fault = f"wants inputs as {told!r}; the connector sends {known}"
            raise render_not_taken(self._client.system, settings.name, fault)
        return FORMATS[told.casefold()]

    def _read_texts(self, journal: Journal, head: JournalHead) -> dict[str, str]:
        """How people write each account of the journal, whatever it was called when approved."""
        wanted = sorted({line.account for line in journal.lines})
        texts: dict[str, str] = {}
        for at in range(0, len(wanted), ACCOUNTS_PER_CALL):
            few = wanted[at : at + ACCOUNTS_PER_CALL]
            query = Query(
                table=ACCOUNTS, columns=columns_of(AccountRow), conditions=(any_of("AID", few),)
            )
            for rows in read_by_account(self._client, query):
                texts |= {row.aid: _render_text(row) for row in build_rows(AccountRow, rows)}
        missing = [account for account in wanted if account not in texts]
        if missing:
            raise render_unfit(head, f"there is no account {', '.join(missing[:10])}")
        return texts

    def _describe(self, journal: Journal, head: JournalHead) -> Sent:
        return Sent(
            orchestration=self.settings.name,
            key=head.posting_key,
            company=parse_ledger(journal.ledger).company,
            document_type=head.document_type,
            lines=len(journal.lines),
        )

    def _send(self, body: bytes, sent: Sent) -> RemoteReply:
        """The answer; a session that was refused is renewed, and the journal sent once more.

        A refused session comes before anything is executed. Even so the key is looked for again,
        for nothing that is there may be sent twice (J-60).
        """
        is_denied = self._denied_in == self._client.read_session().logins
        renews_on = UNSIGNED if is_denied else UNSIGNED | {FORBIDDEN}
        reply = self._run(body, renews_on)
        if reply.status not in renews_on:
            return reply
        if self._lines.count(sent.key):
            fault = f"status {reply.status}, and lines with its key are there all the same"
            raise render_unclear(reply.system, sent, fault)
        reply = self._run(body, frozenset())
        if reply.status == FORBIDDEN:
            self._denied_in = self._client.read_session().logins
        return reply

    def _run(self, body: bytes, renews_on: frozenset[int]) -> RemoteReply:
        settings = self.settings
        return self._client.run_orchestration(
            settings.name, body, timeout_s=settings.timeout_s, renews_on=renews_on
        )


def _render_text(row: AccountRow) -> str:
    """Business unit, object and subsidiary as people type them."""
    return f"{row.mcu}.{render_account(row)}" if row.mcu else render_account(row)
