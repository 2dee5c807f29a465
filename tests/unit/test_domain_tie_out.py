"""The tie-out of one small company, and the words it finds for what does not agree."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.domain.differences import Hop, HopTotals, Measure
from ml_connector.domain.ledger import CombinationKey, Scope, Totals
from ml_connector.domain.plan import PlannedCell
from ml_connector.domain.streams import OutOfOrderError
from ml_connector.domain.summaries import Contribution, Placed, Summary
from ml_connector.domain.tie_out import TieOut, TieOutEvidence, tie_out
from ml_connector.domain.tie_out_rows import TieOutRow, UnknownPlacementError

US = Scope("Vision", "Oct-26", "USD")
RENT, CASH, FEES = (CombinationKey(*US, f"101-{account}") for account in ("1000", "6000", "7000"))
COST, BANK = ("E1", "C1", "Oct 26"), ("E1", "C2", "Oct 26")


def totals(debit: str, credit: str, lines: int) -> Totals:
    """Totals from texts."""
    return Totals(debit=Decimal(debit), credit=Decimal(credit), lines=lines)


def evidence(**changed: Any) -> TieOutEvidence:
    """Rent of 100.00 paid in cash and fees of 5.00 excluded; cost is flipped in the model."""
    streams: dict[str, Any] = {
        "erp": [(RENT, Decimal(105)), (CASH, Decimal(-100)), (FEES, Decimal(-5))],
        "archived": [
            (RENT, totals("105", "0", 2)),
            (CASH, totals("0", "100", 1)),
            (FEES, totals("0", "5", 1)),
        ],
        "placed": [
            Placed(RENT, "excluded:fees", totals("5", "0", 1)),
            Placed(RENT, "mapped", totals("100", "0", 1)),
            Placed(CASH, "suspense", totals("0", "100", 1)),
            Placed(FEES, "unmapped", totals("0", "5", 1)),
        ],
        "contributions": [
            Contribution(COST, US, -1, totals("100", "0", 1)),
            Contribution(BANK, US, 1, totals("0", "100", 1)),
        ],
        "summed": [Summary(COST, Decimal(-100), 1), Summary(BANK, Decimal(-100), 1)],
        "shadow_before": [(COST, Decimal(-60))],
        "planned": [
            PlannedCell(COST, Decimal(-60), Decimal(-100), 1),
            PlannedCell(BANK, Decimal(0), Decimal(-100), 1),
        ],
        "refused": [],
        "held": [(COST, Decimal(-100)), (BANK, Decimal(-100))],
    }  # fmt: skip
    return TieOutEvidence(**{"currency_of": lambda _: "USD", **streams, **changed})


def only_row(found: TieOut) -> TieOutRow:
    """The one row of the tie-out."""
    (row,) = found.rows
    return row


def test_tie_out_shows_the_bridge_in_ledger_sign() -> None:
    """ERP less model is unmapped, refused and excluded, each named; the rest is nothing."""
    found = tie_out(evidence())

    assert found.is_tied
    assert found.differences_count == 0
    assert only_row(found) == TieOutRow(
        ledger="Vision",
        period="Oct-26",
        currency="USD",
        erp=Decimal(0),
        debit=Decimal(105),
        archived=Decimal(0),
        excluded=(("fees", Decimal(5)),),
        unmapped=Decimal(-5),
        suspense=Decimal(-100),
        mapped=Decimal(100),
        refused=Decimal(0),
        held=Decimal(0),
        unexplained=Decimal(0),
        lines=4,
    )


def test_tie_out_of_nothing_is_tied_and_has_no_rows() -> None:
    """A period without lines, cells and balances holds nothing to explain."""
    empty: dict[str, Any] = dict.fromkeys(
        ["erp", "archived", "placed", "contributions", "summed", "shadow_before", "planned",
         "refused", "held"], (),
    )  # fmt: skip

    assert tie_out(evidence(**empty)) == TieOut(rows=(), differences=(), differences_count=0)


def test_refused_cell_is_explained_by_what_it_would_have_moved() -> None:
    """A refused change stays out of the model and is named in ledger sign."""
    found = tie_out(evidence(refused=[COST], held=[(COST, Decimal(-60)), (BANK, Decimal(-100))]))

    assert found.is_tied
    assert only_row(found).refused == Decimal(40)
    assert only_row(found).held == Decimal(-40)


def test_refused_zero_of_a_vanished_cell_is_a_row_of_no_scope() -> None:
    """A cell without lines that the model would not give up is named under no ledger."""
    gone = ("E1", "C0", "Oct 26")
    found = tie_out(
        evidence(
            shadow_before=[(gone, Decimal(7)), (COST, Decimal(-60))],
            planned=[PlannedCell(gone, Decimal(7), Decimal(0), 0), *evidence().planned],
            refused=[gone],
            held=[(gone, Decimal(7)), *evidence().held],
        )
    )

    assert found.is_tied
    row = found.rows[0]
    assert (row.ledger, row.period, row.currency) == ("(none)", "(none)", "USD")
    assert (row.held, row.refused, row.unexplained) == (Decimal(7), Decimal(-7), Decimal(0))


def test_foreign_cell_is_unexplained_in_its_own_currency() -> None:
    """A cell somebody else filled is shown under no ledger, in the currency it is kept in."""
    found = tie_out(
        evidence(
            held=[(("E0",), Decimal(3)), *evidence().held],
            currency_of={("E0",): "EUR"}.__getitem__,
        )
    )

    assert not found.is_tied
    assert [(r.ledger, r.currency, r.unexplained) for r in found.rows] == [
        ("(none)", "EUR", Decimal(-3)),
        ("Vision", "USD", Decimal(0)),
    ]
    assert found.differences[0].sentence == (
        "E0: shadow and accepted cells say 0 EUR, the model holds 3 EUR (amount, load to model)."
    )


def test_cell_of_two_ledgers_shows_its_difference_under_several() -> None:
    """What cannot be told apart goes to a row of its own and leaves both ledgers whole."""
    other = Scope("Harbour", "Oct-26", "USD")
    base = evidence()
    found = tie_out(
        evidence(
            erp=[(CombinationKey(*other, "1"), Decimal(10)), *base.erp],
            archived=[(CombinationKey(*other, "1"), totals("10", "0", 1)), *base.archived],
            placed=[
                Placed(CombinationKey(*other, "1"), "mapped", totals("10", "0", 1)), *base.placed,
            ],
            contributions=[
                Contribution(COST, other, -1, totals("10", "0", 1)), *base.contributions,
            ],
            summed=[Summary(COST, Decimal(-110), 2), Summary(BANK, Decimal(-100), 1)],
            planned=[PlannedCell(COST, Decimal(-60), Decimal(-110), 2), list(base.planned)[1]],
            held=[(COST, Decimal(-111)), (BANK, Decimal(-100))],
        )
    )  # fmt: skip

    assert [(r.ledger, r.period, r.unexplained) for r in found.rows] == [
        ("(several)", "Oct-26", Decimal(-1)),
        ("Harbour", "Oct-26", Decimal(0)),
        ("Vision", "Oct-26", Decimal(0)),
    ]


def test_lines_of_two_currencies_on_one_intersection_are_a_difference() -> None:
    """Amounts of two currencies are never added, not even where the mapping put them together."""
    euros = Scope("Harbour", "Oct-26", "EUR")
    base = evidence()
    found = tie_out(
        evidence(
            erp=[(CombinationKey(*euros, "1"), Decimal(10)), *base.erp],
            archived=[(CombinationKey(*euros, "1"), totals("10", "0", 1)), *base.archived],
            placed=[
                Placed(CombinationKey(*euros, "1"), "mapped", totals("10", "0", 1)), *base.placed,
            ],
            contributions=[
                Contribution(COST, euros, -1, totals("10", "0", 1)), *base.contributions,
            ],
            summed=[Summary(COST, Decimal(-110), 2), Summary(BANK, Decimal(-100), 1)],
            planned=[PlannedCell(COST, Decimal(-60), Decimal(-110), 2), list(base.planned)[1]],
            held=[(COST, Decimal(-110)), (BANK, Decimal(-100))],
        )
    )  # fmt: skip

    assert not found.is_tied
    assert [d.hop for d in found.differences] == [Hop.CURRENCY]
    assert "an intersection takes 1 currencies, its lines bring 2" in found.differences[0].sentence
    assert {(r.currency, r.unexplained) for r in found.rows} == {
        ("(several)", Decimal(-110)),
        ("EUR", Decimal(10)),
        ("USD", Decimal(100)),
    }


@pytest.mark.parametrize(
    ("changed", "sentences"),
    [
        (
            {"erp": [(RENT, Decimal("1105.01")), (CASH, Decimal(-100)), (FEES, Decimal(-5))]},
            [
                (
                    "Vision / Oct-26 / USD / 101-1000: the ERP says 1,105.01 USD, the archive holds"
                    " 105 USD (net, ERP to archive)."
                ),
            ],
        ),
        (
            {"planned": []},
            [
                (
                    "E1 / C1 / Oct 26: summary less shadow says -40 USD, the plan says nothing"
                    " (amount, summaries to plan)."
                ),
                (
                    "E1 / C1 / Oct 26: shadow and accepted cells say -60 USD, the model holds"
                    " -100 USD (amount, load to model)."
                ),
            ],
        ),
        (
            {"refused": [("E1", "C1b", "Oct 26")]},
            [
                (
                    "E1 / C1b / Oct 26: the plan sent 0 cells, the model refused 1 cells"
                    " (cells, plan to load)."
                ),
            ],
        ),
        (
            {"shadow_before": [(COST, Decimal(-100))]},
            [
                (
                    "E1 / C1 / Oct 26: summary less shadow says 0 cells, the plan says 1 cells"
                    " (cells, summaries to plan)."
                ),
                (
                    "E1 / C1 / Oct 26: summary less shadow says 0 USD, the plan says -40 USD"
                    " (amount, summaries to plan)."
                ),
                (
                    "E1 / C1 / Oct 26: summary less shadow says -100 USD, the plan says -60 USD"
                    " (amount before, summaries to plan)."
                ),
                (
                    "E1 / C1 / Oct 26: shadow and accepted cells say -140 USD, the model holds"
                    " -100 USD (amount, load to model)."
                ),
            ],
        ),
        (
            {"summed": [Summary(COST, Decimal(-99), 2), Summary(BANK, Decimal(-100), 1)]},
            [
                (
                    "E1 / C1 / Oct 26: the lines of the intersection say -100 USD, the summary says"
                    " -99 USD (amount, intersections to summaries)."
                ),
                (
                    "E1 / C1 / Oct 26: the lines of the intersection say 1 lines, the summary says"
                    " 2 lines (lines, intersections to summaries)."
                ),
            ],
        ),
    ],
)
def test_difference_is_told_at_its_hop_in_words(
    changed: dict[str, Any], sentences: list[str]
) -> None:
    """Each difference names key, hop and both ends with their amounts."""
    found = tie_out(evidence(**changed))

    assert not found.is_tied
    assert [d.sentence for d in found.differences][: len(sentences)] == sentences


def test_all_differences_are_counted_and_summed_though_few_are_kept() -> None:
    """The limit bounds what is held, never what is found; currencies stay apart."""
    keys = [
        CombinationKey("V", "P", currency, str(n)) for currency in ("EUR", "USD") for n in range(9)
    ]
    found = tie_out(
        evidence(erp=[(key, Decimal(-n - 1)) for n, key in enumerate(keys)], differences_max=2)
    )

    assert len(found.differences) == 2
    assert found.differences_count == sum(part.differences for part in found.totals)
    assert found.totals[:2] == (
        HopTotals(Hop.ERP, Measure.NET, "EUR", 9, Decimal(45)),
        HopTotals(Hop.ERP, Measure.NET, "USD", 12, Decimal(10 * 9 + 36 + 210)),
    )


@pytest.mark.parametrize(
    "name", ["erp", "archived", "placed", "contributions", "summed", "planned", "held"]
)
def test_stream_that_repeats_or_goes_back_is_an_error(name: str) -> None:
    """A key that comes twice is refused even where the amounts would agree."""
    rows = list(getattr(evidence(), name))
    zero = rows[0]

    with pytest.raises(OutOfOrderError, match="repeats"):
        tie_out(evidence(**{name: [zero, *rows]}))
    with pytest.raises(OutOfOrderError, match="goes back"):
        tie_out(evidence(**{name: [*rows, zero]}))


def test_refused_key_that_comes_twice_is_an_error() -> None:
    """A refusal is told once per cell."""
    with pytest.raises(OutOfOrderError, match="'refused summaries' repeats"):
        tie_out(evidence(refused=[COST, COST]))


def test_unknown_placement_is_an_error() -> None:
    """A placement outside the bridge would leave lines nobody can name."""
    rows = list(evidence().placed)

    with pytest.raises(UnknownPlacementError, match="placed as 'lost'"):
        tie_out(replace(evidence(), placed=[rows[0]._replace(placement="lost"), *rows[1:]]))


def test_tie_out_is_exact_whatever_the_thread_computes_with() -> None:
    """Sums of more digits than the default context holds lose none of them."""
    big = "1000000000000000000000000000"
    found = tie_out(evidence(erp=[(RENT, Decimal(f"{big}.01")), (CASH, Decimal(f"-{big}"))]))

    assert only_row(found).erp == Decimal("0.01")
