"""Approved views in every form an export may have: posted to the cent, or refused as a whole."""

import csv
import io
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from tests.fakes.approved_desk import (
    APPROVED,
    COLUMNS,
    VIEW,
    BudgetDesk,
    ViewTarget,
    build_budget,
    make_flow,
)
from tests.fakes.desk import FakeDesk
from tests.fakes.journals import FakeJournals
from tests.fakes.model import EXPORT

from ml_connector.flows.bench import read_document
from ml_connector.ports import ExportForm, LedgerRules

MakeDesk = Callable[..., FakeDesk]
GOOD = ("30.8720", "Sep 26", "1250.5")


class ShapedTarget(ViewTarget):
    """A model whose export writes its output in a chosen form, or gives given bytes."""

    separator: str = ","
    delimiter: str = '"'
    quoting: Any = csv.QUOTE_MINIMAL
    newline: str = "\n"
    codec: str = "utf-8"
    spell: Callable[[str], str] = staticmethod(str)
    outputs: list[bytes]
    """Given outputs, one for each run of the export; the last one stays."""

    def read_export_file(self, file_id: str) -> Iterator[bytes]:
        """Cut into pieces of seven bytes."""
        content = self.outputs[0] if self.outputs else self.render()
        if len(self.outputs) > 1:
            del self.outputs[0]
        yield from (content[at : at + 7] for at in range(0, len(content), 7))

    def render(self) -> bytes:
        """The view's rows in the chosen form."""
        out = io.StringIO()
        writer = csv.writer(
            out, delimiter=self.separator, quotechar=self.delimiter, quoting=self.quoting,
            lineterminator=self.newline,
        )  # fmt: skip
        writer.writerow(COLUMNS)
        for (account, month), amount in self.view.items():
            unit, _, number = account.partition(".")
            writer.writerow([self.company, number, unit, month, self.spell(amount)])
        return out.getvalue().encode(self.codec)


class Budget(BudgetDesk):
    """A budget flow over such a model."""

    target: ShapedTarget

    def exports(self) -> int:
        """How often the export was run."""
        return self.target.starts.count(EXPORT.action_id)

    def give(self, *contents: bytes | str) -> None:
        """The export's next outputs."""
        self.target.outputs = [c.encode() if isinstance(c, str) else c for c in contents]

    def told(self, **form: Any) -> None:
        """The model tells this of the export."""
        self.target.export_form = ExportForm(**form)

    def refused(self, code: str, *words: str) -> str:
        """The text of the error a run stops with; nothing was sent."""
        error = self.fail()
        assert error.code == code, str(error)
        assert all(word in str(error) for word in words), str(error)
        assert self.journals.calls == 0
        assert self.held() == {}
        return str(error)


@pytest.fixture
def budget(make_desk: MakeDesk) -> Budget:
    """A desk of one budget ledger whose view is written in a form of its own."""
    plain = build_budget(make_desk())
    parts = {name: getattr(plain, name) for name in ("desk", "journals", "flow", "target")}
    target = parts["target"]
    target.__class__ = ShapedTarget
    target.outputs = []
    return Budget(**parts)


def render(*rows: tuple[str, str, str], header: str = ",".join(COLUMNS)) -> str:
    """A view of these rows: account, month, amount as they are spelled."""
    lines = [header]
    for account, month, amount in rows:
        unit, _, number = account.partition(".")
        lines.append(f"00001,{number},{unit},{month},{amount}")
    return "".join(f"{line}\n" for line in lines)


# --- forms that are read ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ({"codec": "utf-8-sig"}, {}),
        ({"codec": "utf-16"}, {"encoding": "UTF-16LE"}),
        ({"codec": "utf-16-le"}, {"encoding": "UTF-16LE"}),
        ({"codec": "utf-16-be"}, {"encoding": "UTF-16BE"}),
        ({"codec": "iso-8859-1"}, {"encoding": "ISO-8859-1"}),
        ({"codec": "cp1252"}, {"encoding": "Windows-1252"}),
        ({"separator": ";"}, {"separator": ";"}),
        ({"separator": "\t"}, {"format": "text/plain"}),
        ({"separator": "|"}, {}),
        ({"newline": "\r\n", "quoting": csv.QUOTE_ALL}, {}),
        ({"delimiter": "'", "quoting": csv.QUOTE_ALL}, {"delimiter": "'"}),
        ({"delimiter": "'", "quoting": csv.QUOTE_ALL}, {"headers": COLUMNS}),
        ({"separator": ";"}, {"separator": ",", "headers": COLUMNS}),
    ],
    ids=str,
)
def test_view_is_posted_whatever_its_form(
    budget: Budget, written: dict[str, Any], told: dict[str, Any]
) -> None:
    """What is told, or what the bytes prove, gives the same journals; the raw output is kept."""
    for name, value in written.items():
        setattr(budget.target, name, value)
    budget.told(**told)

    summary = budget.run()

    assert summary["state"] == "succeeded"
    assert budget.held() == APPROVED
    assert budget.exports() == 1
    result = dict(budget.steps["budgets-1"].history)["approved: export"]
    kept = [b"".join(budget.desk.archive.read_bytes(result[name])) for name in ("raw", "export")]
    assert kept[0] == budget.target.render()
    assert kept[1].decode().startswith("Company,Account,Unit,Time,Amount\n")


@pytest.mark.parametrize(
    ("numbers", "spell"),
    [
        ({"decimal": ","}, lambda t: t.replace(".", ",")),
        ({"decimal": ",", "thousands": "."},
         lambda t: f"{Decimal(t):,}".translate(str.maketrans(",.", ".,"))),
        ({"decimal": ".", "thousands": ","}, lambda t: f"{Decimal(t):,}"),
        ({"decimal": ",", "thousands": " "},
         lambda t: f"{Decimal(t):,}".replace(",", "\u00a0").replace(".", ",")),
        ({"decimal": ".", "thousands": "'"}, lambda t: f"{Decimal(t):,}".replace(",", "\u2019")),
        (None, lambda t: f"({t[1:]})" if t[0] == "-" else t),
        (None, lambda t: f"{t[1:]}-" if t[0] == "-" else t),
        (None, lambda t: f"{Decimal(t):E}"),
        ({"decimal": ","}, lambda t: f"{Decimal(t):E}".replace(".", ",")),
        (None, lambda t: f" {t} "),
    ],
)  # fmt: skip
def test_amounts_are_the_same_in_every_form(
    budget: Budget, numbers: dict[str, str] | None, spell: Callable[[str], str]
) -> None:
    """Decimal comma, grouped thousands, brackets, a minus behind, powers of ten: to the cent."""
    budget.flow = make_flow(numbers=numbers)
    budget.target.view = VIEW | {("30.8730", "Oct 26"): "-1234567.89"}
    budget.target.spell = staticmethod(spell)

    assert budget.run()["state"] == "succeeded"

    assert budget.held() == APPROVED | {("30.8730", "10-26"): Decimal("-1234567.89")}


def test_blank_amount_is_a_zero(budget: Budget) -> None:
    """Zeros may be shown as blanks; what the ledger held goes back to zero."""
    budget.run()
    budget.target.view = dict.fromkeys(VIEW, "")
    budget.flow = make_flow(guards={"vanished_ratio_max": None})

    assert budget.run()["state"] == "succeeded"

    assert budget.held() == {}


def test_columns_beyond_those_of_the_flow_and_their_order_do_not_matter(budget: Budget) -> None:
    """Columns are found by name."""
    budget.give('Note,Amount,Time,Unit,Account,Company\n"a, b",12,Sep 26,30,8720,00001\n')

    assert budget.run()["state"] == "succeeded"

    assert budget.held() == {("30.8720", "09-26"): Decimal(12)}


# --- forms that are refused -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "told", "words"),
    [
        (b"PK\x03\x04" + b"x" * 50, {}, ("Excel",)),
        (b"%PDF-1.7", {"format": "application/pdf"}, ("application/pdf", "CSV")),
        (render(GOOD).encode("utf-16-le"), {"layout": "GRID_ALL_PAGES"}, ("GRID_ALL_PAGES",)),
        (render(("ä.8720", "Sep 26", "1")).encode("latin-1"), {}, ("byte E4", "UTF-8")),
        (render(GOOD).replace(",", ";"), {"separator": ","}, ("semicolons", "commas")),
        (render(GOOD, header="Company,Account,Unit,Unit,Amount"), {}, ("'Unit'", "twice")),
        (render(GOOD) + render(GOOD), {}, ("header", "again")),
        (render(GOOD).replace("\n", "\r"), {}, ("carriage return",)),
        (render(GOOD).replace("Sep 26", '"Sep" 26'), {}, ("line 2", "quotes")),
    ],
)
def test_form_that_cannot_be_read_is_refused_at_once(
    budget: Budget, content: bytes | str, told: dict[str, Any], words: tuple[str, ...]
) -> None:
    """The refusal says what to change; the export is not run again for it."""
    budget.give(content)
    budget.told(**told)

    budget.refused("exports.form", *words)

    assert budget.exports() <= 1


@pytest.mark.parametrize(
    "content",
    [
        render(GOOD)[:-1],
        render(GOOD)[:-4],
        render(GOOD) + "00001,8720",
        render(GOOD) + "00001,8720\n",
        render(GOOD) + "00001,8720,30,Oct 26,1,2\n",
        render(GOOD) + '00001,8720,30,"Oct 26',
        render(("ü.8720", "Sep 26", "5")).encode()[:-12],
        render(GOOD, header="Company,Account,Unit,Ti")[:23],
    ],
)
def test_view_that_is_not_whole_is_exported_again_and_never_posted(
    budget: Budget, content: bytes | str
) -> None:
    """Cut in a row, in an amount or in a character: another output may be whole."""
    budget.give(content)
    budget.refused("exports.cut", "not whole")
    assert budget.exports() == 3

    budget.give(content, render(GOOD))
    assert budget.run()["state"] == "succeeded"

    assert budget.exports() == 5
    assert budget.held() == {("30.8720", "09-26"): Decimal("1250.5")}


def test_export_that_is_defined_anew_while_it_runs_is_run_again(
    budget: Budget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The output of one definition is never read by the form of another."""
    forms = [ExportForm(separator=","), ExportForm(separator=";"), ExportForm(separator=";")]
    monkeypatch.setattr(
        ShapedTarget, "read_export_form", lambda _, __: forms.pop(0) if len(forms) > 1 else forms[0]
    )
    budget.target.separator = ";"

    assert budget.run()["state"] == "succeeded"

    assert budget.exports() == 2
    assert budget.held() == APPROVED


@pytest.mark.parametrize("content", ["", render(), "\ufeff", "\ufeff" + render()])
def test_view_without_rows_is_no_budget_of_zero(budget: Budget, content: str) -> None:
    """No byte, a mark alone or a header alone: nothing is taken back."""
    budget.give(content)
    budget.refused("budgets.view-empty")


def test_view_without_its_header_is_refused(budget: Budget) -> None:
    """The first row is no header, and its cells are named as the columns there are."""
    budget.give(render(GOOD, ("30.8730", "Sep 26", "5")).split("\n", 1)[1])

    budget.refused("budgets.rows-refused", "lacks the columns Company", "1250.5")


# --- rows that are refused --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "numbers", "words"),
    [
        ('"1,250.50"', None, ("no plain number", "in other forms it would be 1250.50")),
        ('"1250,50"', None, ("in other forms it would be 1250.50",)),
        ('"1,250"', None, ("1.250 or 1250",)),
        ('"1.250,50"', {"decimal": "."}, ("not as the flow states",)),
        ('"1.250"', {"decimal": ","}, ("not as the flow states",)),
        ('"1,250.50"', {"decimal": ",", "thousands": "."}, ("not as the flow states",)),
        ("1.005", None, ("more than 2 decimals", "or may be thousands")),
        ("1.0051", None, ("more than 2 decimals",)),
        ('"1,005"', {"decimal": ","}, ("more than 2 decimals",)),
        ('"1.000,005"', {"decimal": ",", "thousands": "."}, ("more than 2 decimals",)),
        ("(1.0051)", None, ("more than 2 decimals",)),
        ("1.0051-", None, ("more than 2 decimals",)),
        ("10051E-4", None, ("more than 2 decimals",)),
        ('"1,0051E0"', {"decimal": ","}, ("more than 2 decimals",)),
        ("1e15", None, ("more than 15 digits",)),
        ("1234567890123456", None, ("more than 15 digits",)),
        ("NaN", None, ("no plain number",)),
        ("#N/A", None, ("no plain number",)),
        ("true", None, ("no plain number",)),
        ("2026-01-01", None, ("no plain number",)),
        ("5 EUR", None, ("no plain number",)),
        ("-", None, ("no plain number",)),
    ],
)
def test_amount_with_another_reading_holds_the_view_back(
    budget: Budget, amount: str, numbers: dict[str, str] | None, words: tuple[str, ...]
) -> None:
    """Too many decimals or digits, or another spelling, in whichever form the flow states."""
    budget.flow = make_flow(numbers=numbers)
    budget.give(render(("30.8730", "Sep 26", "7"), ("30.8720", "Oct 26", amount)))

    budget.refused("budgets.rows-refused", "row 3", "30.8720", *words)


@pytest.mark.parametrize(
    ("others", "is_read"),
    [(["12.5"], True), (["-0.250"], True), (["1234.567"], True), (["1.5E3"], True),
     ([], False), (["7", ""], False), (["2.345", "999.999"], False), (["1.234.567"], False)],
)  # fmt: skip
def test_point_is_one_of_decimals_only_where_the_view_proves_it(
    budget: Budget, monkeypatch: pytest.MonkeyPatch, others: list[str], *, is_read: bool
) -> None:
    """Of a currency with three decimals, `1.234` has two readings until another amount decides."""
    rules = LedgerRules(must_balance=False, decimals=3)
    monkeypatch.setattr(FakeJournals, "read_journal_rules", lambda _, __: rules)
    rows = [("30.8720", "Sep 26", "1.234")]
    rows += [("30.8730", "Oct 26", amount) for amount in others]
    budget.give(render(*rows))
    if is_read:
        assert budget.run()["state"] == "succeeded"
        assert budget.held()[("30.8720", "09-26")] == Decimal("1.234")
    else:
        budget.refused("budgets.rows-refused", "row 2")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("00001,9999,30,Sep 26,1", ("30.9999", "no such account")),
        ("00001,8720,99,Sep 26,1", ("99.8720", "no such account")),
        ("00001,,30,Sep 26,1", ("30.", "no such account")),
        (",8720,30,Sep 26,1", ("names no company",)),
        ("00001,8720,30,,1", ("names no period",)),
        ("00001,8720,30, ,x", ("names no period",)),
    ],
)
def test_row_of_members_the_ledger_does_not_have_holds_the_view_back(
    budget: Budget, row: str, words: tuple[str, ...]
) -> None:
    """An unknown account is no account; a row that names no company or month belongs nowhere."""
    budget.give(f"{render(GOOD)}{row}\n")

    budget.refused("budgets.rows-refused", "row 3", *words)


def test_rows_without_an_amount_may_name_anything(budget: Budget) -> None:
    """A cell that says nothing needs no account and no month."""
    budget.give(f"{render(GOOD)},,,,\n00001,9999,30,Sep 26,\n00001,9999,30,Sep 26,0.00\n")

    assert budget.run()["state"] == "succeeded"

    assert budget.held() == {("30.8720", "09-26"): Decimal("1250.5")}


def test_row_of_no_version_holds_the_view_back(budget: Budget) -> None:
    """Rows of other versions are left out; one of no version may be of any."""
    budget.flow = make_flow(
        version="Budget",
        columns=make_flow().columns.model_dump() | {"version": "Version"},
    )
    header = ",".join((*COLUMNS, "Version"))
    budget.give(f"{header}\n00001,8720,30,Sep 26,1,Budget\n00001,8720,30,Sep 26,2,\n")
    budget.refused("budgets.rows-refused", "row 3", "names no version")

    budget.give(f"{header}\n00001,8720,30,Sep 26,1,Budget\n00001,8720,30,Sep 26,2,Forecast\n")
    assert budget.run()["read"]["ignored"] == 1
    assert budget.held() == {("30.8720", "09-26"): Decimal(1)}


def test_one_bad_row_of_a_thousand_holds_all_of_them_back(budget: Budget) -> None:
    """Nothing is posted around it; the run's document lists it, and its mending is enough."""
    rows = [("30.8720", "Sep 26", "1.25")] * 1000
    budget.give(render(*rows[:700], ("30.8720", "Sep 26", '"1,25"'), *rows[701:]))

    text = budget.refused("budgets.rows-refused", "1 rows of the export", "row 702")

    assert "'1,25'" in text
    document = budget.fail().arguments["document"]
    faults = read_document(budget.desk.archive, str(document))
    assert [(one["row"], one["amount"]) for one in faults] == [(702, "1,25")]
    budget.give(render(*rows))
    assert budget.run()["state"] == "succeeded"
    assert budget.held() == {("30.8720", "09-26"): Decimal(1250)}


def test_many_bad_rows_are_counted_and_the_first_are_named(budget: Budget) -> None:
    """The text stays short; the document has them all."""
    budget.give(render(*[("30.8720", "Sep 26", "x")] * 50))

    text = budget.refused("budgets.rows-refused", "50 rows", "and 30 more")

    assert text.count("row ") == 20


def test_resumed_run_reads_the_archived_view(budget: Budget) -> None:
    """A run that stopped after its export reads the same rows in the same form again."""
    budget.target.separator = ";"
    budget.told(separator=";")
    budget.journals.lose_before = 2
    budget.fail()
    budget.target.separator = ","
    budget.told(separator=",")

    assert budget.resume()["state"] == "succeeded"

    assert budget.held() == APPROVED
    assert budget.exports() == 1
