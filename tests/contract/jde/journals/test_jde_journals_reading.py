"""What the ERP asks of journals, held against what its orchestration takes and refuses."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.domain.journals import JournalLine
from ml_connector.ports import CheckState, JournalState, PeriodVerdict
from ml_connector.systems.jde.orchestrations import JournalRejectedError
from ml_connector.systems.jde.refusals import ColumnHiddenError


def ledger_of(source: Any, name: str) -> Any:
    """The ledger of that name."""
    return next(each for each in source.read_ledgers() if each.name == name)


# How far a journal has come.


def test_entered_journal_is_found_posted_once_its_batch_is(desk: Any) -> None:
    """Entered, then posted; the same lines each time."""
    source, key = desk.connect(), desk.key()
    journal = desk.journal("10", "-4")
    receipt = source.submit_journal(journal, desk.head(key))
    before = source.find_journal(journal, key)
    desk.ais.perform("post_batch", batch=receipt.batch_id)
    after = source.find_journal(journal, key)

    assert (before.state, after.state) == (JournalState.ENTERED, JournalState.POSTED)
    assert before.amounts == after.amounts == dict(journal.lines)
    assert after.batch_ids == (receipt.batch_id,)
    assert after.documents == (receipt.document,)
    assert after.lines == 2


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("A", JournalState.ENTERED),
        ("U", JournalState.ENTERED),
        ("P", JournalState.ENTERED),
        ("E", JournalState.FAILED),
    ],
)
def test_unposted_journal_is_as_far_as_its_batch(
    desk: Any, status: str, state: JournalState
) -> None:
    """Approved, in use or being posted is entered; a batch in error has failed."""
    source, key = desk.connect(), desk.key()
    journal = desk.journal("10")
    receipt = source.submit_journal(journal, desk.head(key))
    desk.ais.perform("set_batch_status", batch=receipt.batch_id, status=status)

    assert source.find_journal(journal, key).state is state


def test_key_nobody_has_is_absent(desk: Any) -> None:
    """No line, no document, no batch."""
    found = desk.connect().find_journal(desk.journal("10"), desk.key())

    assert found.state is JournalState.ABSENT
    assert (found.batch_ids, found.documents, found.amounts, found.lines) == ((), (), {}, 0)


@pytest.mark.parametrize("change", ["amount", "account", "day", "more", "ledger"])
def test_other_lines_than_were_sent_are_partial(desk: Any, change: str) -> None:
    """Amount, account, day, count or ledger: what differs is not the journal."""
    source, key = desk.connect(), desk.key()
    journal = desk.journal("10", "20")
    source.submit_journal(journal, desk.head(key))
    first, second = journal.lines
    elsewhere = desk.open_accounts("00001")[-1]
    asked = {
        "amount": replace(journal, lines=(JournalLine(first.account, Decimal(11)), second)),
        "account": replace(journal, lines=(first, JournalLine(elsewhere, Decimal(20)))),
        "day": replace(journal, gl_date=date(2026, 11, 29)),
        "more": replace(journal, lines=(*journal.lines, JournalLine(elsewhere, Decimal(1)))),
        "ledger": replace(journal, ledger="00001/BF"),
    }[change]

    assert source.find_journal(asked, key).state is JournalState.PARTIAL
    assert source.find_journal(journal, key).state is JournalState.ENTERED


def test_lines_that_are_still_coming_in_are_waited_for(desk: Any) -> None:
    """Too few lines at the first look, all of them a little later: the journal is whole."""
    source, key = desk.connect(), desk.key()
    journal = desk.journal("10", "20", "30", "40")
    whole = source.submit_journal(journal, desk.head(key))
    assert whole.batch_id
    clock = desk.ais.clock
    at = clock.now()
    longer = replace(journal, lines=(*journal.lines, JournalLine("99999999", Decimal(1))))

    assert source.find_journal(longer, key).state is JournalState.PARTIAL
    assert (clock.now() - at).total_seconds() >= 17


def test_intercompany_entries_of_posting_are_no_second_document(desk: Any) -> None:
    """Posting copies the key onto entries of its own."""
    source, key = desk.connect(), desk.key()
    here, there = desk.open_accounts("00001")[0], desk.open_accounts("00300")[0]
    lines = (JournalLine(here, Decimal(10)), JournalLine(there, Decimal(-10)))
    journal = desk.journal("1", ledger="00001", lines=lines)
    receipt = source.submit_journal(journal, desk.head(key, document_type="JE"))
    desk.ais.perform("post_batch", batch=receipt.batch_id)
    found = source.find_journal(journal, key)

    assert {row["DCT"] for row in desk.rows(key)} == {"JE", "AE"}
    assert found.documents == (receipt.document,)


def test_hidden_reference_is_an_error_and_never_absent(desk: Any) -> None:
    """Without the column nothing can be told of any journal."""
    source, key = desk.connect(), desk.key()
    journal = desk.journal("10")
    source.submit_journal(journal, desk.head(key))
    desk.ais.perform("hide_columns", F0911=["R2"])
    try:
        with pytest.raises(Exception) as caught:  # noqa: PT011 - which of the two depends on the server
            source.find_journal(journal, key)
    finally:
        desk.ais.perform("hide_columns")

    assert getattr(caught.value, "code", "") in {
        ColumnHiddenError.code, "jde.read-refused", "jde.key-passed-over",
    }  # fmt: skip


# What is asked of journals.


@pytest.mark.parametrize(("name", "decimals"), [("00001/BA", 2), ("00200/BA", 0), ("00300/BA", 3)])
def test_budget_ledgers_need_not_balance_and_have_their_currencys_decimals(
    desk: Any, name: str, decimals: int
) -> None:
    """The balance flag is off, the currency is the company's."""
    source = desk.connect()
    rules = source.read_journal_rules(ledger_of(source, name))

    assert (rules.must_balance, rules.decimals, rules.refuses) == (False, decimals, "")


@pytest.mark.parametrize(
    ("ledger_type", "words"),
    [("AA", "actual"), ("AC", "actual"), ("XA", "actual"), ("PA", "closed")],
)
def test_ledgers_that_take_no_budgets_say_why(desk: Any, ledger_type: str, words: str) -> None:
    """Actual ones, and one that is closed to journal entries."""
    source = desk.connect(ledger_types=[ledger_type])
    (ledger,) = (each for each in source.read_ledgers() if each.ledger_id == "00001")
    rules = source.read_journal_rules(ledger)

    assert words in rules.refuses
    assert rules.must_balance is (ledger_type != "PA")


@pytest.mark.parametrize("edit", ["", "B", "I", "L", "M", "N", "U"])
def test_accounts_refuse_exactly_what_the_orchestration_rejects(desk: Any, edit: str) -> None:
    """For each posting edit code the verdict and what happens agree."""
    source = desk.connect()
    accounts = {
        one.account: one for one in source.read_journal_accounts(ledger_of(source, "00001/BA"))
    }
    account = desk.open_accounts("00001", edit)[0]
    journal = desk.journal("1", lines=(JournalLine(account, Decimal(10)),))

    if accounts[account].refuses:
        with pytest.raises(JournalRejectedError):
            source.submit_journal(journal, desk.head(desk.key()))
    else:
        assert source.submit_journal(journal, desk.head(desk.key())).batch_id
    assert bool(accounts[account].refuses) is (edit in {"I", "L", "M", "N", "U"})


def test_accounts_are_the_companys_with_the_facts_of_the_chart(desk: Any) -> None:
    """Every account of the company and no other; facts as combinations tell them."""
    source = desk.connect()
    chart = source.find_chart("account-master")
    told = dict(source.read_combinations("account-master"))
    found = list(source.read_journal_accounts(ledger_of(source, "00001/BA")))
    wanted = {str(row[0]) for row in desk.read("F0901", ("AID",), CO="00001")}

    assert {one.account for one in found} == wanted
    for one in found:
        assert "|".join(one.facts[name] for name in chart.segments) == told[one.account]
        assert one.text == f"{one.facts['business_unit']}.{one.facts['account']}"


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("FY2025-P12", PeriodVerdict.REFUSED),
        ("FY2026-P10", PeriodVerdict.WARNED),
        ("FY2026-P11", PeriodVerdict.TAKEN),
        ("FY2026-P12", PeriodVerdict.WARNED),
        ("FY2026-P13", PeriodVerdict.REFUSED),
        ("FY2027-P01", PeriodVerdict.WARNED),
        ("FY2027-P06", PeriodVerdict.WARNED),
    ],
)
def test_period_verdict_is_what_the_orchestration_says_of_its_last_day(
    desk: Any, name: str, verdict: PeriodVerdict
) -> None:
    """Taken, taken with a warning, or refused: by the company's current period."""
    source = desk.connect()
    ledger = ledger_of(source, "00001/BA")
    period = next(each for each in source.read_periods(ledger) if each.name == name)

    assert source.read_period_verdict(ledger, period) is verdict
    if period.is_adjustment:
        return
    journal = desk.journal("10", gl_date=period.date_last, period=period.name)
    if verdict is PeriodVerdict.REFUSED:
        with pytest.raises(JournalRejectedError):
            source.submit_journal(journal, desk.head(desk.key()))
    else:
        warnings = source.submit_journal(journal, desk.head(desk.key())).warnings
        assert bool(warnings) is (verdict is PeriodVerdict.WARNED)


def test_period_verdict_goes_by_the_companys_own_fiscal_year(desk: Any) -> None:
    """October begins the year of one company and is long past for another."""
    source = desk.connect()
    verdicts = {}
    for name in ("00001/BA", "00077/BA"):
        ledger = ledger_of(source, name)
        period = next(
            each for each in source.read_periods(ledger)
            if each.date_last == date(2026, 9, 30) and not each.is_adjustment
        )  # fmt: skip
        verdicts[name] = source.read_period_verdict(ledger, period)

    assert verdicts == {"00001/BA": PeriodVerdict.WARNED, "00077/BA": PeriodVerdict.REFUSED}


# Checks.


def states(checks: Any) -> dict[str, CheckState]:
    """Worst state by subject."""
    order = [CheckState.OK, CheckState.WARNING, CheckState.FAILED]
    found: dict[str, CheckState] = {}
    for one in checks:
        known = found.get(one.subject, CheckState.OK)
        found[one.subject] = max(known, one.state, key=order.index)
    return found


@pytest.mark.parametrize("input_format", ["Generic", "JDE Standard"])
def test_checks_of_a_site_in_order_are_all_well(desk: Any, input_format: str) -> None:
    """Orchestration, format, inputs, outputs, key, batches and ledger; nothing is written."""
    desk.ais.turn(inputFormat=input_format)
    found = states(desk.connect().check_journals("00001/BA"))

    assert set(found.values()) == {CheckState.OK}
    assert len(found) == 8
    assert desk.meddler.sendings == 0


@pytest.mark.parametrize(
    ("changes", "failed", "code"),
    [
        ({"name": "Nobodys"}, "orchestration", "jde.orchestration-missing"),
        ({"input_format": "JDE Standard"}, "input format", "jde.orchestration-refused"),
        ({"inputs": {"Company": "Co"}}, "inputs", "jde.orchestration-refused"),
        ({"line_inputs": {"Amount": "Betrag"}}, "inputs of lines", "jde.orchestration-refused"),
    ],
)
def test_checks_name_what_the_orchestration_does_not_have(
    desk: Any, changes: dict[str, Any], failed: str, code: str
) -> None:
    """A name, a format or an input that is not declared."""
    checks = list(desk.orchestrate(**changes).check_journals("00001/BA"))
    faults = [one for one in checks if one.state is CheckState.FAILED]

    assert [(one.subject, one.code) for one in faults] == [(failed, code)]
    assert faults[0].next_step


def test_checks_warn_of_inputs_that_are_declared_and_not_sent(desk: Any) -> None:
    """They may be required, or have a default."""
    checks = list(desk.orchestrate(line_inputs={"Units": ""}).check_journals("00001/BA"))

    assert [one.finding for one in checks if one.state is CheckState.WARNING] == [
        "These are declared and not sent: Units."
    ]


@pytest.mark.parametrize(
    ("ledger", "code"),
    [("00001", "budgets.ledger-refused"), ("00001/B9", "books.ledger-not-visible")],
)
def test_checks_tell_ledgers_that_take_no_journals(desk: Any, ledger: str, code: str) -> None:
    """Actual amounts, or a ledger the connection does not have."""
    (fault,) = (
        one for one in desk.connect().check_journals(ledger) if one.state is CheckState.FAILED
    )

    assert (fault.subject, fault.code) == (f"ledger {ledger}", code)


def test_checks_find_tables_and_columns_the_user_may_not_read(desk: Any) -> None:
    """Without them a journal could be entered and never found again."""
    desk.ais.turn(deniedTables=["F0011"])
    desk.ais.perform("hide_columns", F0911=["ICU"])
    try:
        found = states(desk.connect().check_journals("00001/BA"))
    finally:
        desk.ais.perform("hide_columns")

    assert {subject for subject, state in found.items() if state is CheckState.FAILED} == {
        "key", "table F0011",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("input_format", "state"), [(None, CheckState.FAILED), ("Generic", CheckState.WARNING)]
)
def test_checks_leave_open_what_a_server_does_not_list(
    desk: Any, input_format: str | None, state: CheckState
) -> None:
    """Where the connection gives the format nothing that is sent depends on the list."""
    desk.ais.spoil(path="/discover", kind="status", status=403, times=None)

    checks = list(desk.orchestrate(input_format=input_format).check_journals("00001/BA"))

    assert [(one.subject, one.state) for one in checks if one.state is not CheckState.OK] == [
        ("orchestration", state)
    ]
    assert desk.meddler.sendings == 0
