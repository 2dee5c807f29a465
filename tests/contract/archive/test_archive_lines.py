"""Journal lines go into the archive and come back, whole and exact."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.fakes.archives import Place

from ml_connector.archive import FileArchive, LocalArchive, line_files, line_sums
from ml_connector.archive.errors import (
    BrokenFileError,
    MissingFileError,
    RepeatedBatchError,
    UnfitAmountError,
)
from ml_connector.domain.ledger import Batch, Line, Totals
from ml_connector.domain.money import TooManyDecimalsError
from ml_connector.errors import UnexplainedDifferenceError
from ml_connector.ports import Archive, LineSum, Measure

READ_AT = datetime(2026, 11, 3, 8, tzinfo=UTC)
LINE = Line(
    ledger="Vision", period="Oct-26", accounting_date=date(2026, 10, 31), chart="Ops",
    combination="101-4000-000", journal="J1", number=1, currency="USD", debit=Decimal("100.25"),
    credit=Decimal(0), entered_currency="EUR", entered_debit=Decimal("90.10"),
    entered_credit=Decimal(0), source="Payables", category="Invoices", description="Rent",
)  # fmt: skip


def make_batch(batch_id: str, lines: Iterable[Line], *, is_actual: bool = True) -> Batch:
    """A batch of these lines."""
    return Batch(
        batch_id=batch_id, name=f"Batch {batch_id}", updated_at=READ_AT, posted_on=None,
        is_actual=is_actual, lines=tuple(lines),
    )  # fmt: skip


def add_up(sums: Iterable[LineSum]) -> dict[tuple[object, ...], Totals]:
    """What a caller makes of sums that may repeat a group."""
    found: dict[tuple[object, ...], Totals] = {}
    for *key, totals in sums:
        found[tuple(key)] = found.get(tuple(key), Totals()) + totals
    return found


def test_archive_fulfils_its_port(archive: FileArchive) -> None:
    """The class is what the flows ask for; mypy reads this line."""
    ask: Callable[[Archive], object] = str
    assert ask(archive)


def test_lines_come_back_in_journal_and_line_order(archive: FileArchive) -> None:
    """Whatever order a source delivers, a batch is read by journal and line number."""
    lines = [
        LINE._replace(journal=journal, number=number)
        for journal in ("J2", "J1")
        for number in (10, 9, 2)
    ]
    stored, [revision] = archive.write_batches([make_batch("b", lines)])
    found = list(archive.read_lines(revision))
    assert found == sorted(lines, key=lambda line: (line.journal, line.number))
    assert (stored.rows, revision.lines, revision.revision) == (6, 6, 0)
    assert revision.file_hash == stored.file_hash


def test_every_field_of_a_line_survives(archive: FileArchive) -> None:
    """Text of any script, empty text, separators and line ends are stored as they are."""
    line = LINE._replace(description="Büro\n\x1f,\"'", source="", number=2**40, category="租金")
    _, [revision] = archive.write_batches([make_batch("b", [line])])
    assert list(archive.read_lines(revision)) == [line]


def test_amounts_are_exact_to_nine_decimals_and_29_digits(archive: FileArchive) -> None:
    """The largest and the smallest amount of decimal128(38, 9) come back to the last digit."""
    amounts = [Decimal(t) for t in ("9" * 29 + "." + "9" * 9, "0.000000001", "90071992547409.93")]
    lines = [
        LINE._replace(number=n, debit=a, credit=a.copy_negate()) for n, a in enumerate(amounts)
    ]
    _, [revision] = archive.write_batches([make_batch("b", lines)])
    assert [(line.debit, line.credit) for line in archive.read_lines(revision)] == [
        (amount, amount.copy_negate()) for amount in amounts
    ]


def test_trailing_zeros_are_no_decimals(archive: FileArchive) -> None:
    """1.10000000000 has one decimal that carries value, so it is taken."""
    line = LINE._replace(debit=Decimal("1.10000000000"))
    _, [revision] = archive.write_batches([make_batch("b", [line])])
    assert next(archive.read_lines(revision)).debit == Decimal("1.1")


@pytest.mark.parametrize("field", ["debit", "credit", "entered_debit", "entered_credit"])
def test_a_tenth_decimal_is_refused_with_batch_journal_and_line(
    archive: FileArchive, place: Place, field: str
) -> None:
    """An amount is never rounded; the refusal says where it stands, and nothing is stored."""
    bad = LINE._replace(journal="J9", number=7, **{field: Decimal("1.0000000001")})  # type: ignore[arg-type]  # the key is one of four amount fields
    with pytest.raises(TooManyDecimalsError, match=r"batch 4711, journal J9, line 7"):
        archive.write_batches([make_batch("1", [LINE]), make_batch("4711", [LINE, bad])])
    assert place.list_files() == []


@pytest.mark.parametrize("text", ["1E+29", "NaN", "Infinity", "-Infinity"])
def test_what_is_no_amount_is_refused(archive: FileArchive, text: str) -> None:
    """Too many digits, infinities and non-numbers are named, not stored."""
    with pytest.raises(UnfitAmountError, match="batch b, journal J1, line 1"):
        archive.write_batches([make_batch("b", [LINE._replace(debit=Decimal(text))])])


def test_a_batch_that_comes_twice_is_refused(archive: FileArchive) -> None:
    """Two versions of a batch in one file could not be told apart."""
    with pytest.raises(RepeatedBatchError, match="batch b "):
        archive.write_batches([make_batch("b", [LINE]), make_batch("b", [])])


def test_content_hash_depends_on_lines_only(archive: FileArchive) -> None:
    """Read time, name, order of lines and zeros behind the point do not change it."""
    other = LINE._replace(number=2, credit=Decimal("5.00"))
    batch = make_batch("b", [LINE, other])
    same = replace(
        batch,
        name="New name",
        updated_at=datetime(2027, 1, 1, tzinfo=UTC),
        lines=(other._replace(credit=Decimal("5.0000"), debit=Decimal("100.250")), LINE),
    )
    _, [one] = archive.write_batches([batch])
    _, [two] = archive.write_batches([same])
    assert one.content_hash == two.content_hash


@pytest.mark.parametrize("field", [f for f in Line._fields if f != "accounting_date"])
def test_content_hash_changes_with_every_field(archive: FileArchive, field: str) -> None:
    """No change of a line goes unnoticed."""
    value = getattr(LINE, field)
    changed = LINE._replace(**{field: value + ("x" if isinstance(value, str) else 1)})
    _, [one] = archive.write_batches([make_batch("b", [LINE])])
    _, [two] = archive.write_batches([make_batch("b", [changed])])
    assert one.content_hash != two.content_hash


def test_a_repeated_line_changes_the_content_hash(archive: FileArchive) -> None:
    """Two equal lines are not one."""
    _, [one] = archive.write_batches([make_batch("b", [LINE])])
    _, [two] = archive.write_batches([make_batch("b", [LINE, LINE])])
    assert one.content_hash != two.content_hash


def test_revision_names_the_periods_its_lines_touch(archive: FileArchive) -> None:
    """Each (ledger, period) once, in order; a batch without lines touches none."""
    lines = [LINE, LINE._replace(period="Adj-26"), LINE._replace(ledger="France"), LINE]
    _, revisions = archive.write_batches([make_batch("b", lines), make_batch("empty", [])])
    assert revisions[0].periods == (
        ("France", "Oct-26"),
        ("Vision", "Adj-26"),
        ("Vision", "Oct-26"),
    )
    assert (revisions[1].periods, revisions[1].lines) == ((), 0)
    assert list(archive.read_lines(revisions[1])) == []


def test_same_lines_give_the_same_file(archive: FileArchive, tmp_path: Path) -> None:
    """Bytes are a function of the lines: a folder stores the same hash."""
    batches = [make_batch(str(b), [LINE._replace(number=n) for n in range(50)]) for b in range(20)]
    other = LocalArchive(tmp_path / "other", "o")
    assert archive.write_batches(batches) == other.write_batches(batches)


def test_lines_are_filtered_by_ledger_and_period(archive: FileArchive) -> None:
    """Only lines of the named ledger and period come."""
    lines = [
        LINE._replace(ledger=ledger, period=period)
        for ledger in ("A", "B")
        for period in ("Oct-26", "Nov-26")
    ]
    _, [revision] = archive.write_batches([make_batch("b", lines)])
    assert list(archive.read_lines(revision, ledger="B", period="Oct-26")) == [lines[2]]
    assert list(archive.read_lines(revision, period="Nov-26")) == [lines[1], lines[3]]


def test_one_batch_is_read_without_the_others(
    archive: FileArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row groups whose batches lie elsewhere are not touched."""
    monkeypatch.setattr(line_files, "ROWS_PER_GROUP", 100)
    batches = [
        make_batch(f"{b:03}", [LINE._replace(number=n) for n in range(40)]) for b in range(50)
    ]
    stored, revisions = archive.write_batches(batches)
    seen: list[int] = []
    iter_batches = pq.ParquetFile.iter_batches

    def spy(self: pq.ParquetFile, *, row_groups: Sequence[int], **rest: object) -> object:
        seen.extend(row_groups)
        return iter_batches(self, row_groups=row_groups, **rest)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", spy)
    assert len(list(archive.read_lines(revisions[26]))) == 40
    assert (stored.rows, seen) == (2000, [10])


def test_a_batch_larger_than_a_row_group_stays_whole(
    archive: FileArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines that cross row groups are all found, in order."""
    monkeypatch.setattr(line_files, "ROWS_PER_GROUP", 7)
    lines = [LINE._replace(number=n) for n in range(30)]
    _, revisions = archive.write_batches([make_batch("a", [LINE]), make_batch("b", lines)])
    assert list(archive.read_lines(revisions[1])) == lines


def test_changed_file_is_refused_by_name(archive: FileArchive, place: Place) -> None:
    """One flipped bit, and no line of the file is trusted."""
    stored, [revision] = archive.write_batches([make_batch("b", [LINE])])
    [name] = place.list_files()
    content = bytearray(place.read(name))
    content[len(content) // 2] ^= 1
    place.replace(name, bytes(content))
    with pytest.raises(UnexplainedDifferenceError, match=stored.file_hash):
        list(archive.read_lines(revision))
    with pytest.raises(BrokenFileError):
        list(archive.read_line_sums([revision], pairs=[("Vision", "Oct-26")], measure=Measure.BASE))


def test_missing_file_is_told(archive: FileArchive) -> None:
    """A revision whose file is gone is an error, not an empty batch."""
    _, [revision] = archive.write_batches([make_batch("b", [LINE])])
    with pytest.raises(MissingFileError, match="0000"):
        list(archive.read_lines(replace(revision, file_hash="0" * 64)))


def test_lines_missing_from_a_file_are_told(archive: FileArchive) -> None:
    """A revision that promises more lines than its file holds is refused."""
    _, [revision] = archive.write_batches([make_batch("b", [LINE])])
    with pytest.raises(BrokenFileError, match="holds 1 lines of batch b, not 2"):
        list(archive.read_lines(replace(revision, lines=2)))


def test_line_sums_take_only_what_counts(archive: FileArchive) -> None:
    """Other periods, ledgers, batches, encumbrances and statistical lines stay out."""
    lines = [
        LINE,
        LINE._replace(number=2, debit=Decimal(0), credit=Decimal("0.25")),
        LINE._replace(number=3, period="Nov-26"),
        LINE._replace(number=4, ledger="France"),
        LINE._replace(number=5, entered_currency="STAT"),
    ]
    _, revisions = archive.write_batches(
        [
            make_batch("1", lines),
            make_batch("2", [LINE], is_actual=False),
            make_batch("3", [LINE]),
        ]
    )
    sums = archive.read_line_sums(revisions[:2], pairs=[("Vision", "Oct-26")], measure=Measure.BASE)
    assert list(sums) == [
        LineSum(
            "Vision", "Oct-26", date(2026, 10, 31), "Ops", "101-4000-000", "USD", "Payables",
            "Invoices", Totals(debit=Decimal("100.25"), credit=Decimal("0.25"), lines=2),
        )
    ]  # fmt: skip


def test_line_sums_of_several_pairs_are_kept_apart(archive: FileArchive) -> None:
    """One pass gives each ledger and period its own sums, and nothing of a third."""
    lines = [
        LINE,
        LINE._replace(number=2, period="Nov-26"),
        LINE._replace(number=3, ledger="France"),
        LINE._replace(number=4, ledger="France", period="Nov-26"),
        LINE._replace(number=5, period="Dec-26"),
    ]
    _, revisions = archive.write_batches([make_batch("1", lines)])
    pairs = [("Vision", "Oct-26"), ("France", "Nov-26")]
    sums = archive.read_line_sums(revisions, pairs=pairs, measure=Measure.BASE)
    assert sorted((s.ledger, s.period, s.totals.lines) for s in sums) == [
        ("France", "Nov-26", 1),
        ("Vision", "Oct-26", 1),
    ]


def test_line_sums_part_on_everything_a_mapping_may_see(archive: FileArchive) -> None:
    """Lines that differ in date, combination, source or category are not added."""
    lines = [
        LINE,
        LINE._replace(accounting_date=date(2026, 10, 30)),
        LINE._replace(combination="101-4001-000"),
        LINE._replace(chart="Other"),
        LINE._replace(source="Manual"),
        LINE._replace(category="Accrual"),
        LINE._replace(currency="GBP"),
        LINE._replace(journal="J2", description="of no matter", entered_currency="CHF"),
    ]
    _, revisions = archive.write_batches([make_batch("b", lines)])
    sums = list(
        archive.read_line_sums(revisions, pairs=[("Vision", "Oct-26")], measure=Measure.BASE)
    )
    assert sorted(s.totals.lines for s in sums) == [1, 1, 1, 1, 1, 1, 2]


def test_entered_measure_sums_by_entered_currency(archive: FileArchive) -> None:
    """Entered amounts of different currencies are never added, base ones are."""
    lines = [LINE, LINE._replace(entered_currency="GBP", entered_debit=Decimal(80)), LINE]
    _, revisions = archive.write_batches([make_batch("b", lines)])
    sums = archive.read_line_sums(revisions, pairs=[("Vision", "Oct-26")], measure=Measure.ENTERED)
    assert {s.currency: s.totals.debit for s in sums} == {
        "EUR": Decimal("180.20"),
        "GBP": Decimal(80),
    }


def test_removed_revisions_add_nothing(archive: FileArchive) -> None:
    """A batch the ERP no longer has is left out, though its file still holds it."""
    _, [revision] = archive.write_batches([make_batch("b", [LINE])])
    gone = replace(revision, is_removed=True)
    sums = archive.read_line_sums([gone], pairs=[("Vision", "Oct-26")], measure=Measure.BASE)
    assert list(sums) == []


def test_line_sums_of_enormous_amounts_do_not_wrap(archive: FileArchive) -> None:
    """Arrow's sum of 38-digit decimals wraps in silence, so such amounts are added elsewhere."""
    huge = Decimal("9" * 29)
    lines = [LINE._replace(number=n, debit=huge, credit=huge.copy_negate()) for n in range(3)]
    _, revisions = archive.write_batches([make_batch("b", lines)])
    [found] = archive.read_line_sums(revisions, pairs=[("Vision", "Oct-26")], measure=Measure.BASE)
    assert found.totals == Totals(
        debit=Decimal("2" + "9" * 28 + "7"), credit=Decimal("-2" + "9" * 28 + "7"), lines=3
    )


def test_line_sums_equal_a_naive_sum_over_many_files(
    archive: FileArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With few groups held at a time a group comes repeatedly, and adds up all the same."""
    monkeypatch.setattr(line_sums, "GROUPS_HELD_MAX", 5)
    monkeypatch.setattr(line_files, "ROWS_PER_READ", 16)
    chance = random.Random(7)
    lines = [
        LINE._replace(
            number=n,
            combination=f"101-{chance.randrange(20):04}",
            debit=Decimal(chance.randrange(10**12)).scaleb(-chance.randrange(10)),
            credit=Decimal(chance.randrange(10**6)).scaleb(-2),
        )
        for n in range(400)
    ]
    revisions = [
        archive.write_batches([make_batch(str(start), lines[start : start + 100])])[1][0]
        for start in range(0, 400, 100)
    ]
    sums = list(
        archive.read_line_sums(revisions, pairs=[("Vision", "Oct-26")], measure=Measure.BASE)
    )
    expected: dict[str, Totals] = {}
    for line in lines:
        one = Totals(debit=line.debit, credit=line.credit, lines=1)
        expected[line.combination] = expected.get(line.combination, Totals()) + one
    assert len(sums) > len(expected)
    assert {key[4]: totals for key, totals in add_up(sums).items()} == expected
