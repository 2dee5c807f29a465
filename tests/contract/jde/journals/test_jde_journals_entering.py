"""Journals entered by the orchestration of a sandbox: what arrives, what is answered."""

import json
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.domain.journals import JournalLine
from ml_connector.errors import OutcomeUnknownError, RefusedError
from ml_connector.ports import JournalState
from ml_connector.systems.jde.orchestrations import (
    JournalRejectedError,
    JournalUnclearError,
    OrchestrationDeniedError,
    OrchestrationMissingError,
)


def net(rows: list[dict[str, Any]]) -> dict[str, Decimal]:
    """Amounts by account."""
    return {row["AID"]: Decimal(row["AA"]) for row in rows}


@pytest.mark.parametrize("input_format", ["Generic", "JDE Standard"])
def test_journal_arrives_to_the_last_cent_in_the_format_the_server_tells(
    desk: Any, input_format: str
) -> None:
    """Every line bears the key, its amount, the explanation, the ledger and the day."""
    desk.ais.turn(inputFormat=input_format)
    source, key = desk.connect(), desk.key()
    journal = desk.journal("6778.23", "-16176.39", "1200", "0.05", "9999999999999.99")

    receipt = source.submit_journal(journal, desk.head(key))

    rows = desk.rows(key)
    assert net(rows) == dict(journal.lines)
    assert {(row["LT"], row["CO"], row["DCT"], row["DGJ"], row["PN"], row["FY"]) for row in rows} \
        == {("BA", "00001", "BX", "20261130", 11, 26)}  # fmt: skip
    assert {(row["EXA"], row["EXR"]) for row in rows} == {
        ("Approved plan 0123456789ab", "00001/BA FY2026-P11 1/1")
    }
    (batch,) = {f"{row['ICUT']}-{row['ICU']}" for row in rows}
    (document,) = {f"{row['KCO']}-{row['DCT']}-{row['DOC']}" for row in rows}
    assert (receipt.batch_id, receipt.document) == (batch, document)
    assert not receipt.is_duplicate
    assert receipt.warnings == ()
    assert desk.meddler.sendings == 1
    assert source.find_journal(journal, key).state is JournalState.ENTERED


def test_amounts_are_sent_as_their_own_digits(desk: Any) -> None:
    """No exponent, no double: the body holds what the journal holds."""
    source = desk.connect()
    journal = desk.journal("1E+3", "-0.10", "9999999999999.99")
    source.submit_journal(journal, desk.head(desk.key()))

    told = json.loads(desk.meddler.bodies[0], parse_float=str, parse_int=str)
    assert [line["Amount"] for line in told["Lines"]] == ["1000", "-0.1", "9999999999999.99"]
    assert (told["ExpectedDebits"], told["ExpectedLines"]) == ("10000000000999.99", "3")


@pytest.mark.parametrize(("company", "amount"), [("00200", "1250"), ("00300", "1250.125")])
def test_currencies_of_other_decimals_arrive_as_they_are(
    desk: Any, company: str, amount: str
) -> None:
    """Yen have none, dinars three."""
    source, key = desk.connect(), desk.key()
    journal = desk.journal(amount, ledger=f"{company}/BA")
    source.submit_journal(journal, desk.head(key))

    assert [Decimal(row["AA"]) for row in desk.rows(key)] == [Decimal(amount)]
    assert source.find_journal(journal, key).state is JournalState.ENTERED


@pytest.mark.parametrize(("company", "amount"), [("00200", "12.5"), ("00001", "0.005")])
def test_amount_with_too_many_decimals_is_refused_before_it_is_rounded(
    desk: Any, company: str, amount: str
) -> None:
    """The server would round it and say so in a warning."""
    source = desk.connect()
    with pytest.raises(RefusedError, match="decimals"):
        source.submit_journal(desk.journal(amount, ledger=f"{company}/BA"), desk.head(desk.key()))
    assert desk.meddler.sendings == 0


def test_journal_posted_at_once_is_found_posted(desk: Any) -> None:
    """The wish is passed on, and the balances move."""
    source, key = desk.connect(), desk.key()
    journal = desk.journal("10", "-4")
    source.submit_journal(journal, desk.head(key, post_at_once=True))

    found = source.find_journal(journal, key)
    assert found.state is JournalState.POSTED
    assert found.amounts == dict(journal.lines)


def test_renamed_inputs_and_another_date_format_are_sent(desk: Any) -> None:
    """A site may name its inputs otherwise; here the wrong name is refused as missing."""
    source, key = desk.orchestrate(inputs={"PlanBatchKey": "Batch_Key"}), desk.key()
    with pytest.raises(OutcomeUnknownError):
        source.submit_journal(desk.journal("10"), desk.head(key))
    misdated = desk.orchestrate(date_format="user")
    with pytest.raises(OutcomeUnknownError):
        misdated.submit_journal(desk.journal("10"), desk.head(key))

    first, second = (json.loads(body) for body in desk.meddler.bodies)
    assert first["Batch_Key"] == key
    assert "PlanBatchKey" not in first
    assert (first["GLDate"], second["GLDate"]) == ("2026-11-30", "11/30/2026")
    assert desk.rows(key) == []


def test_optional_inputs_may_be_left_out(desk: Any) -> None:
    """An empty name leaves an input out; the journal arrives all the same."""
    source = desk.orchestrate(
        inputs={"ExpectedLines": "", "ExpectedDebits": "", "PostAfterCreate": ""},
        line_inputs={"Account": "", "Units": "", "Subledger": "", "SubledgerType": ""},
    )
    key = desk.key()
    source.submit_journal(desk.journal("10", "20"), desk.head(key))

    told = json.loads(desk.meddler.bodies[0])
    assert set(told["Lines"][0]) == {"LineNumber", "AccountId", "Amount", "Remark"}
    assert len(desk.rows(key)) == 2


def test_accounts_are_named_as_people_write_them_too(desk: Any) -> None:
    """An orchestration that types accounts in gets business unit, object and subsidiary."""
    source, key = desk.orchestrate(line_inputs={"AccountId": ""}), desk.key()
    journal = desk.journal("10", "20")
    source.submit_journal(journal, desk.head(key))

    assert net(desk.rows(key)) == dict(journal.lines)


def test_warnings_of_the_period_are_told(desk: Any) -> None:
    """A later period is taken with the server's words."""
    source, key = desk.connect(), desk.key()
    from_day = desk.journal("10").gl_date.replace(month=12, day=31)
    journal = desk.journal("10", gl_date=from_day, period="FY2026-P12")
    receipt = source.submit_journal(journal, desk.head(key))

    assert len(receipt.warnings) == 1
    assert "PACO" in receipt.warnings[0]
    assert source.find_journal(journal, key).state is JournalState.ENTERED


@pytest.mark.parametrize("position", ["on", "off"])
def test_answer_is_read_with_and_without_elements_of_the_server(desk: Any, position: str) -> None:
    """The named outputs suffice."""
    desk.ais.turn(jdeElements=position)
    source = desk.connect()

    assert source.submit_journal(desk.journal("10"), desk.head(desk.key())).batch_id[:2] == "G-"


def test_answer_of_raw_steps_is_read(desk: Any) -> None:
    """Outputs without names are found in the step that reads the ledger."""
    desk.ais.turn(orchestrationBehaviour="raw")
    source, key = desk.connect(), desk.key()
    receipt = source.submit_journal(desk.journal("10"), desk.head(key))

    (row,) = desk.rows(key)
    assert receipt.batch_id == f"G-{row['ICU']}"
    assert receipt.document == f"00001-BX-{row['DOC']}"


def test_raw_answer_without_numbers_leaves_the_outcome_open(desk: Any) -> None:
    """Steps that entered nothing do not say that nothing is on its way."""
    desk.ais.turn(orchestrationBehaviour="raw")
    source, key = desk.connect(), desk.key()
    journal = desk.journal("10", "20", ledger="00001/PA")

    with pytest.raises(JournalUnclearError, match="no batch"):
        source.submit_journal(journal, desk.head(key))
    assert source.find_journal(journal, key).state is JournalState.ABSENT


@pytest.mark.parametrize(
    ("edit", "words"), [("I", "inactive"), ("N", "non-posting"), ("M", "machine"), ("U", "units")]
)
def test_rejected_account_is_told_in_the_words_of_the_orchestration(
    desk: Any, edit: str, words: str
) -> None:
    """Nothing is entered, and the refusal names the account."""
    source, key = desk.connect(), desk.key()
    account = desk.open_accounts("00001", edit)[0]
    journal = desk.journal("10", lines=(JournalLine(account, Decimal(10)),))

    with pytest.raises(JournalRejectedError, match=words):
        source.submit_journal(journal, desk.head(key))
    assert source.find_journal(journal, key).state is JournalState.ABSENT


def test_prior_year_is_rejected(desk: Any) -> None:
    """A GL date of a closed fiscal year."""
    source = desk.connect()
    journal = desk.journal("10", gl_date=desk.journal("1").gl_date.replace(year=2025))

    with pytest.raises(JournalRejectedError, match="PYEB"):
        source.submit_journal(journal, desk.head(desk.key()))


@pytest.mark.parametrize("form", ["string", "nested"])
def test_status_500_never_says_that_nothing_was_entered(desk: Any, form: str) -> None:
    """A rejection as a failed run leaves the outcome open; its words are kept."""
    desk.ais.turn(rejectedAs="500", messageForm=form)
    source, key = desk.connect(), desk.key()
    journal = desk.journal("10", ledger="00001/PA")

    with pytest.raises(JournalUnclearError, match="FCJE"):
        source.submit_journal(journal, desk.head(key))
    assert desk.meddler.sendings == 1
    assert source.find_journal(journal, key).state is JournalState.ABSENT


def test_orchestration_nobody_shows_is_refused_before_anything_is_sent(desk: Any) -> None:
    """The name is looked for among those the user may call; case counts."""
    source = desk.orchestrate(name="pln_postbudgetjournal")

    with pytest.raises(OrchestrationMissingError, match="PLN_PostBudgetJournal"):
        source.submit_journal(desk.journal("10"), desk.head(desk.key()))
    assert desk.meddler.sendings == 0


@pytest.mark.parametrize(
    ("status", "error"), [(404, OrchestrationMissingError), (500, JournalUnclearError)]
)
def test_unknown_orchestration_is_what_its_status_proves(
    desk: Any, status: int, error: type[Exception]
) -> None:
    """Where discovery is not asked, 404 says that there is none and 500 says nothing."""
    desk.ais.turn(unknownOrchestration=status)
    source = desk.orchestrate(name="No Such One", input_format="Generic")

    with pytest.raises(error):
        source.submit_journal(desk.journal("10"), desk.head(desk.key()))
    assert desk.meddler.sendings == 1


def test_denied_orchestration_is_refused_after_one_new_log_in(desk: Any) -> None:
    """A 403 may be a dead session; once that is ruled out it is final."""
    desk.ais.turn(deniedOrchestrations=["PLN_PostBudgetJournal"])
    source = desk.orchestrate(input_format="Generic")
    for _ in range(3):
        with pytest.raises(OrchestrationDeniedError):
            source.submit_journal(desk.journal("10"), desk.head(desk.key()))

    assert desk.meddler.sendings == 4, "the first is tried again, the others are not"


def test_same_key_again_is_told_and_not_sent(desk: Any) -> None:
    """What is there is found before anything leaves."""
    source, key = desk.connect(), desk.key()
    first = source.submit_journal(desk.journal("10"), desk.head(key))
    again = source.submit_journal(desk.journal("10", "20"), desk.head(key))

    assert again.is_duplicate
    assert (again.batch_id, again.document) == (first.batch_id, first.document)
    assert desk.meddler.sendings == 1
    assert len(desk.rows(key)) == 1


def test_duplicate_of_a_call_that_came_between_is_told_by_the_orchestration(desk: Any) -> None:
    """Somebody entered the journal after it was looked for."""
    source, other, key = desk.connect(), desk.connect(), desk.key()
    journal = desk.journal("10")
    held: list[Any] = []

    def enter() -> None:
        held.append(other.submit_journal(journal, desk.head(key)))

    desk.meddler.before(1, enter)
    receipt = source.submit_journal(journal, desk.head(key))

    assert receipt.is_duplicate
    assert receipt.batch_id == held[0].batch_id
    assert len(desk.rows(key)) == 1


def test_large_journal_is_entered_and_found_beyond_the_fetch_limit(desk: Any) -> None:
    """More lines than one answer of the data service holds."""
    accounts = desk.open_accounts("00001")
    source, key = desk.connect(), desk.key()
    journal = desk.journal("1", lines=tuple(
        JournalLine(account, Decimal(number) / 100)
        for number, account in enumerate(accounts, start=1)
    ))  # fmt: skip
    desk.ais.turn(dbFetchLimit=50)
    source.submit_journal(journal, desk.head(key))
    found = source.find_journal(journal, key)

    assert len(accounts) > 150
    assert (found.state, found.lines) == (JournalState.ENTERED, len(accounts))
    assert found.amounts == dict(journal.lines)


def test_earlier_period_is_rejected_where_the_company_says_so(desk: Any) -> None:
    """No table shows the setting; the orchestration's word is told and nothing is entered."""
    source, key = desk.connect(), desk.key()
    journal = desk.journal("10", gl_date=desk.journal("1").gl_date.replace(month=10))
    desk.ais.perform("set_prior_period", company="00001", setting="error")
    try:
        with pytest.raises(JournalRejectedError, match="PBCO"):
            source.submit_journal(journal, desk.head(key))
    finally:
        desk.ais.perform("set_prior_period", company="00001", setting="warn")

    assert source.find_journal(journal, key).state is JournalState.ABSENT
    assert source.submit_journal(journal, desk.head(key)).warnings
