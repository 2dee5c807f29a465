"""What the books refuse of a journal, and what they only warn of."""

from decimal import Decimal
from typing import Any

import pytest

Row = dict[str, Any]


@pytest.mark.parametrize("key", ["", "SHORT", "TOOLONG99", "low case"])
def test_key_that_does_not_fit_is_refused(own: Any, key: str) -> None:
    """Eight capitals or digits, nothing else."""
    reply = own.run(own.plan(key, own.lines([10])))

    assert own.is_refused(reply)


@pytest.mark.parametrize(
    "change", [{"GLDate": "31.11.2026"}, {"GLDate": ""}, {"Lines": []}, {"CurrencyCode": "XXQ"}]
)
def test_input_of_a_wrong_kind_is_refused(own: Any, change: Row) -> None:
    """A day that does not exist, no lines, an unknown currency."""
    assert own.is_refused(own.run({**own.plan("WRONG001", own.lines([10])), **change}))
    assert own.keyed("WRONG001") == []


def test_amount_that_is_no_number_is_refused(own: Any) -> None:
    """The conversion fails before anything is written."""
    body = own.plan("WRONG002", own.lines([10, 20]))
    body["Lines"][1]["Amount"] = "twenty"

    assert own.is_refused(own.run(body))
    assert own.keyed("WRONG002") == []


@pytest.mark.parametrize("name", ["PlanBatchKey", "Company", "GLDate", "Lines"])
def test_missing_input_is_refused(own: Any, name: str) -> None:
    """Nothing is guessed."""
    body = own.plan("MISSING1", own.lines([10]))
    del body[name]

    assert own.is_refused(own.run(body))
    assert own.keyed("MISSING1") == []


def refused(own: Any, key: str, **change: Any) -> bool:
    """The journal was refused and left no row."""
    lines = change.pop("lines", None) or own.lines([10])
    reply = own.run(own.plan(key, lines, **change))
    if not own.is_refused(reply):
        return False
    answer = reply.json()
    assert answer.get("Messages") or answer.get("jde__simpleMessage"), reply.text
    assert own.keyed(key) == []
    return True


@pytest.mark.parametrize("posting_edit", ["N", "I"])
def test_account_that_takes_no_postings_is_refused(own: Any, posting_edit: str) -> None:
    """Headers and inactive accounts."""
    account = own.accounts(posting_edit=posting_edit)[0]

    assert refused(own, "REFUSED1", lines=own.lines([10], accounts=[account]))


def test_unknown_account_is_refused_with_all_its_journal(own: Any) -> None:
    """One wrong line among good ones; none is written."""
    lines = own.lines([10, 20, -30])
    lines[1] |= {"Account": "999.9999", "AccountId": "99999999"}

    assert refused(own, "REFUSED2", lines=lines)


def test_budget_account_takes_budgets_and_no_actuals(own: Any) -> None:
    """Posting edit B."""
    account = own.accounts(posting_edit="B")[0]
    lines = own.lines([10, -10], accounts=[account])

    assert refused(own, "BUDGET01", lines=lines, LedgerType="AA", DocumentType="JE")
    assert own.run(own.plan("BUDGET02", lines)).json()["Result"] == "CREATED"


def test_actuals_must_balance_and_budgets_need_not(own: Any) -> None:
    """The end of a document tells."""
    uneven, even = own.lines([10, -9]), own.lines([10, -10])

    assert refused(own, "BALANCE1", lines=uneven, LedgerType="AA", DocumentType="JE")
    body = own.plan("BALANCE2", even, LedgerType="AA", DocumentType="JE")
    assert own.run(body).json()["Result"] == "CREATED"
    assert own.run(own.plan("BALANCE3", uneven)).json()["Result"] == "CREATED"


def test_prior_fiscal_year_is_closed(own: Any) -> None:
    """A GL date of last year is an error, not a warning."""
    assert refused(own, "PERIOD01", GLDate="2025-12-31")


def test_future_period_is_a_warning_and_is_written(own: Any) -> None:
    """After cut-off: the journal stands, its period is that of its date."""
    reply = own.run(own.plan("PERIOD02", own.lines([10]), GLDate="2027-03-31"))
    answer = reply.json()

    assert (reply.status_code, answer["Result"]) == (200, "CREATED")
    assert answer["jde__status"] in {"WARNING", "SUCCESS"}
    assert [(row["FY"], row["PN"]) for row in own.keyed("PERIOD02")] == [(27, 3)]


def test_period_after_the_current_one_is_told(own: Any) -> None:
    """A step's warnings come with HTTP 200 and code and title each."""
    answer = own.run(own.plan("PERIOD03", own.lines([10]), GLDate="2026-12-31")).json()
    golden = [{"Warnings": [{"CODE": "0066", "TITLE": "Period After Current Open Period",
                             "DESC": "..."}], "Errors": []}]  # fmt: skip

    assert (answer["Result"], answer["jde__status"]) == ("CREATED", "WARNING")
    assert own.misfits(answer["Errors/Warnings"], golden) == []
    assert answer["Errors/Warnings"][0]["Warnings"]


def test_ledger_closed_to_journals_is_refused(own: Any) -> None:
    """The flag of the ledger master says which."""
    flagged = own.browse("F0025", "LT FCJE", own.when("FCJE", "EQUAL", "Y")) or own.browse(
        "F0025", "LT FCJE", own.when("FCJE", "EQUAL", "1")
    )

    assert flagged
    for row in flagged:
        assert refused(own, "LEDGER01", LedgerType=row["LT"].strip(), lines=own.lines([10, -10]))


@pytest.mark.parametrize("ledger_type", ["CA", "XA", "YA", "ZA", "QQ"])
def test_ledger_that_is_no_place_for_a_budget_is_refused(own: Any, ledger_type: str) -> None:
    """Foreign, alternate currency and unknown ledgers."""
    assert refused(own, "LEDGER02", LedgerType=ledger_type, lines=own.lines([10, -10]))


def test_unknown_company_is_refused(own: Any) -> None:
    """A company that is not in the master."""
    assert refused(own, "COMPANY1", Company="00999")


def test_foreign_journal_is_written_in_both_ledgers(own: Any) -> None:
    """The amounts sent are the foreign ones; the domestic ones are derived and balance."""
    lines = own.lines([1000, -400, -600])
    body = own.plan("FOREIGN1", lines, LedgerType="AA", DocumentType="JE", CurrencyCode="EUR")
    answer = own.run(body).json()
    rows = own.keyed("FOREIGN1")
    base = [row for row in rows if row["LT"].strip() == "AA"]
    foreign = [row for row in rows if row["LT"].strip() == "CA"]

    assert answer["Result"] == "CREATED"
    assert [row["AA"] for row in foreign] == [1000, -400, -600]
    assert [row["JELN"] for row in base] == [row["JELN"] for row in foreign]
    assert {row["CRCD"] for row in rows} == {"EUR"}
    assert sum(row["AA"] for row in base) == 0
    assert [row["AA"] for row in base] != [row["AA"] for row in foreign]
    assert all((one["AA"] > 0) is (two["AA"] > 0) for one, two in zip(base, foreign, strict=True))


@pytest.mark.parametrize("position", ["round", "reject"])
@pytest.mark.parametrize(
    ("company", "currency", "amounts", "rounded"),
    [("00001", "USD", ["100.005", "-0.014"], [Decimal("100.01"), Decimal("-0.01")]),
     ("00200", "JPY", ["100.5", "20.4"], [101, 20]),
     ("00300", "KWD", ["1.2345", "7.0004"], [Decimal("1.235"), 7])],
)  # fmt: skip
def test_amount_with_too_many_decimals_is_rounded_half_up_or_refused(
    own: Any, position: str, company: str, currency: str, amounts: list[str], rounded: list[Any]
) -> None:
    """By the decimals of the currency: two, none, three."""
    own.turn(excessDecimals=position)
    free = [a for a in own.accounts(company) if "4000" <= a["OBJ"].strip() < "9000"]
    lines = own.lines(amounts, accounts=free)
    more = {"Company": company, "CurrencyCode": currency}

    if position == "reject":
        assert refused(own, "DECIMAL1", lines=lines, **more)
    else:
        assert own.run(own.plan("DECIMAL2", lines, **more)).json()["Result"] == "CREATED"
        assert [row["AA"] for row in own.keyed("DECIMAL2")] == rounded
