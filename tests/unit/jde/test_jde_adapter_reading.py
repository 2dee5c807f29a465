"""Stamps, windows and sums over a server that is tables in memory."""

from collections.abc import Callable, Collection, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.domain.ledger import BatchStamp, Ledger
from ml_connector.domain.periods import Period
from ml_connector.ports import Measure
from ml_connector.systems.jde.account_windows import read_by_account
from ml_connector.systems.jde.balances import BalanceReader, BalanceUnfitError
from ml_connector.systems.jde.batches import (
    BatchMovingError,
    BatchReader,
    pack_documents,
    pack_windows,
)
from ml_connector.systems.jde.conditions import (
    AggregateQuery,
    Condition,
    Function,
    GroupRow,
    Operator,
    Query,
    Row,
    Special,
    Where,
    days_back,
    equal,
)
from ml_connector.systems.jde.connection import JdeSettings
from ml_connector.systems.jde.line_sums import LineSumReader
from ml_connector.systems.jde.reference import Kept, Reference
from ml_connector.systems.jde.stamps import (
    StampReader,
    build_stamps,
    cut_lists,
    find_lines,
    is_dense,
)

ZERO = Decimal(0)
NOW = datetime(2026, 11, 3, 8, tzinfo=UTC)
SETTINGS = JdeSettings.model_validate(
    {
        "name": "jde",
        "ais_url": "https://ais.example:7443",
        "auth": {"method": "password", "user": "PLNSVC", "password": "secret:jde"},
        "ledger_types": ["AA"],
        "page_size": 100,
        "parallel_max": 1,
    }
)
Table = list[dict[str, Any]]
LEDGER = Ledger(name="00001", ledger_id="00001", currency="USD", chart="account-master",
                calendar="R")  # fmt: skip
PERIOD = Period(name="FY2026-P01", calendar="R", year=2026, number=1, date_first=date(2026, 1, 1),
                date_last=date(2026, 1, 31))  # fmt: skip


class StillClock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        """The instant."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """It is that much later."""
        self.at += timedelta(seconds=seconds)


COMPARE: dict[Operator, Callable[[Any, tuple[Any, ...]], bool]] = {
    Operator.EQUAL: lambda cell, values: cell == values[0],
    Operator.AT_LEAST: lambda cell, values: cell is not None and cell >= values[0],
    Operator.BELOW: lambda cell, values: cell is not None and cell < values[0],
    Operator.BETWEEN: lambda cell, values: cell is not None and values[0] <= cell <= values[1],
    Operator.ANY_OF: lambda cell, values: cell in values,
    Operator.IS_BLANK: lambda cell, _: cell is None,
}
FIGURES: dict[Function, Callable[[list[Any]], Any]] = {
    Function.SUM: sum,
    Function.MIN: min,
    Function.MAX: max,
}


class Tables:
    """Answers as a client would, from rows in memory; counts the questions."""

    system = "JDE (jde)"
    fetch_limit: int | None = None

    def __init__(self, **tables: Table) -> None:
        self.tables = tables
        self.browsed: list[Query] = []
        self.divided: list[str] = []
        self.aggregated: list[AggregateQuery] = []
        self.scale = Decimal(1)
        self.decimals = 9
        self.miscount = 0
        self.groups_max = 1_000_000

    def browse(self, query: Query) -> list[Row]:
        """The rows."""
        self.browsed.append(query)
        found = self._find(query.table, query.conditions)
        return [tuple(row.get(name) for name in query.columns) for row in found]

    def browse_windows(self, query: Query, *, split_by: str) -> Iterator[list[Row]]:
        """All rows at once, or one by one."""
        self.divided.append(split_by)
        for row in self.browse(query):
            yield [row]

    def count(self, table: str, conditions: Collection[Where] = ()) -> int:
        """How many there are, or what the test says."""
        return len(self._find(table, conditions)) + self.miscount

    def aggregate(self, query: AggregateQuery) -> list[GroupRow]:
        """The groups; sums are scaled as the test says."""
        self.aggregated.append(query)
        groups: dict[Row, Table] = {}
        for row in self._find(query.table, query.conditions):
            groups.setdefault(tuple(row.get(name) for name in query.groups), []).append(row)
        return [
            GroupRow(keys, len(rows), tuple(self._figure(one, rows) for one in query.figures))
            for keys, rows in groups.items()
        ]

    def read_groups(self, query: AggregateQuery) -> list[GroupRow]:
        """The groups, cut where the test says so."""
        return self.aggregate(query)[: self.groups_max]

    def _figure(self, figure: Any, rows: Table) -> Any:
        cells = [row[figure.column] for row in rows if row.get(figure.column) is not None]
        if not cells:
            return None
        found = FIGURES[figure.function](cells)
        return round(found * self.scale, self.decimals) if figure.column == "AA" else found

    def _find(self, table: str, conditions: Collection[Where]) -> Table:
        return [
            row for row in self.tables.get(table, []) if all(_holds(row, c) for c in conditions)
        ]


def _holds(row: dict[str, Any], condition: Where) -> bool:
    assert isinstance(condition, Condition)
    values: tuple[Any, ...] = condition.values
    if condition.special is Special.TODAY_MINUS_DAYS:
        values = (f"{NOW.date() - timedelta(days=int(values[0])):%Y%m%d}",)
    values = tuple(f"{v:%Y%m%d}" if isinstance(v, date) else v for v in values)
    return COMPARE[condition.operator](row.get(condition.column), values)


def journal(**changes: Any) -> dict[str, Any]:
    """A posted row of the ledger table."""
    return {
        "KCO": "00001", "DCT": "JE", "DOC": 1, "DGJ": "20260131", "JELN": 1, "EXTL": None,
        "LT": "AA", "POST": "P", "ICUT": "G", "ICU": 1, "DICJ": "20260201", "CO": "00001",
        "AID": "00000001", "CTRY": 20, "FY": 26, "PN": 1, "AA": Decimal(5), "CRCD": "USD",
        "EXA": None, "EXR": None, "UPMJ": "20260201", "UPMT": 80000, **changes,
    }  # fmt: skip


def balance(**changes: Any) -> dict[str, Any]:
    """A row of the balance table."""
    return {"AID": "00000001", "CO": "00001", "CTRY": 20, "FY": 26, "LT": "AA", "CRCD": None,
            "AN01": Decimal(5), **changes}  # fmt: skip


CALENDAR = {"DTPN": "R", "DFYJ": "20260101", "FQ": None, "CTRY": 20, "FY": 26} | {
    f"D{number:02d}J": f"2026{min(number, 12):02d}28" for number in range(1, 15)
}
COMPANY = {"CO": "00001", "NAME": "One", "CRCD": "USD", "DTPN": "R", "PNC": 11, "DFYJ": "20260101"}


def build_tables(*rows: dict[str, Any], **tables: Table) -> Tables:
    """A server with these lines."""
    return Tables(
        F0911=list(rows),
        F0010=[COMPANY],
        F0008=[CALENDAR],
        F0013=[{"CRCD": "USD", "DL01": "Dollar", "CDEC": "2"}],
        F0025=[{"LT": "AA", "ULT": "AU"}],
        **tables,
    )


def build_reference(tables: Tables, clock: StillClock | None = None) -> Reference:
    """Small tables of the server."""
    client: Any = tables
    return Reference(client, settings=SETTINGS, clock=clock or StillClock())


def build_stamper(tables: Tables) -> StampReader:
    """Stamps of the server's batches."""
    client: Any = tables
    return StampReader(client=client, reference=build_reference(tables), settings=SETTINGS)


def build_batcher(tables: Tables) -> BatchReader:
    """Batches of the server."""
    client: Any = tables
    return BatchReader(
        client=client, reference=build_reference(tables), settings=SETTINGS, clock=StillClock()
    )


def build_balancer(tables: Tables) -> BalanceReader:
    """Balances of the server."""
    client: Any = tables
    lines = LineSumReader(client=client, connection="jde")
    return BalanceReader(client=client, lines=lines, settings=SETTINGS)


def stamps_of(count: int, *, lines: int = 2, icut: str = "G") -> list[tuple[Any, BatchStamp]]:
    """Stamps of batches in a row, with their keys."""
    return [
        ((icut, n), BatchStamp(batch_id=f"{icut}-{n}", version=f"P:{lines}:0:0:0"))
        for n in range(count)
    ]


def test_version_moves_with_count_state_amount_and_date() -> None:
    """Every figure of every posting state is part of the version."""
    first = GroupRow(("G", 7, "P"), 2, (Decimal("1.50"), 10, 126001))
    others = [
        first._replace(keys=("G", 7, None)),
        first._replace(count=3),
        first._replace(figures=(Decimal("1.51"), 10, 126001)),
        first._replace(figures=(Decimal("1.50"), 11, 126001)),
        first._replace(figures=(Decimal("1.50"), 10, 126002)),
    ]
    versions = {build_stamps([group])[0].version for group in [first, *others]}

    assert len(versions) == 6
    assert build_stamps([first._replace(figures=(Decimal("1.5"), 10, 126001))]) == build_stamps(
        [first]
    )


def test_batch_in_two_states_is_one_stamp() -> None:
    """Posted and pending lines of a batch are told together, in whatever order they come."""
    groups = [GroupRow(("G", 7, "P"), 2, (0, 0, 0)), GroupRow(("G", 7, None), 1, (0, 0, 0))]
    (stamp,) = build_stamps(groups)

    assert build_stamps(groups[::-1]) == [stamp]
    assert (stamp.is_posted, stamp.is_pending) == (True, True)
    assert find_lines(stamp) == 2


def test_odd_posting_code_is_neither_posted_nor_pending() -> None:
    """A model entry will never be posted, and is no line."""
    (stamp,) = build_stamps([GroupRow(("G", 7, "M"), 2, (0, 0, 0))])

    assert (stamp.is_posted, stamp.is_pending) == (False, False)


@pytest.mark.parametrize("version", ["", "other", "P:x:1", ":3:0:0:0"])
def test_lines_are_guessed_where_the_version_does_not_say(version: str) -> None:
    """A version of another making packs like a batch of middling size."""
    assert find_lines(BatchStamp(batch_id="G-1", version=version)) == 100


def test_lists_hold_one_type_and_fifty_numbers() -> None:
    """One call asks for one type, so that the index serves it."""
    lists = list(cut_lists({("G", n) for n in range(120)} | {("IB", n) for n in range(3)}))

    assert [(each[0][0], len(each)) for each in lists] == [
        ("G", 50), ("G", 50), ("G", 20), ("IB", 3),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("numbers", "dense"),
    [(range(51), True), (range(50), False), (range(0, 600, 5), True), (range(0, 6000, 50), False)],
)
def test_ranges_are_asked_for_only_where_numbers_are_close(numbers: range, dense: bool) -> None:  # noqa: FBT001 - a parameter of the test.
    """Lists serve scattered batches, ranges those of a month."""
    assert is_dense(set(numbers)) is dense


@pytest.mark.parametrize("step", [1, 3, 40])
def test_stamps_are_the_same_by_list_and_by_range(step: int) -> None:
    """However batches are asked for, exactly those asked for and there come back."""
    tables = build_tables(*[journal(ICU=n, DOC=n) for n in range(1, 3000, step)])
    wanted = [f"G-{n}" for n in range(1, 3001)][:: 2 * step]
    found = sorted(stamp.batch_id for stamp in build_stamper(tables).read([*wanted, "IB-1"]))

    assert found == sorted(wanted)


def test_sweep_widens_where_few_numbers_are_in_use() -> None:
    """Numbers far apart are crossed in a few steps."""
    tables = build_tables(journal(ICU=1), journal(ICU=90_000_000, DOC=2))
    found = [stamp.batch_id for stamp in build_stamper(tables).read_all()]

    assert found == ["G-1", "G-90000000"]
    assert len(tables.aggregated) < 30


def test_batch_without_type_is_a_batch() -> None:
    """A blank type is asked for as a blank."""
    tables = build_tables(journal(ICUT=None, ICU=5))
    (stamp,) = build_stamper(tables).read_all()
    ((_, batch),) = build_batcher(tables).read([stamp])

    assert stamp.batch_id == "-5"
    assert batch is not None
    assert len(batch.lines) == 1


@pytest.mark.parametrize(("apart", "days"), [(0, 3), (1, 3), (2, 4), (30, 32), (99_999, 36_500)])
def test_look_for_changes_reaches_back_some_days_more(apart: int, days: int) -> None:
    """Whole days since, the overlap, and never fewer than three; the server counts them."""
    tables = build_tables()
    list(build_stamper(tables).read_changed(NOW - timedelta(days=apart), NOW))

    assert days_back("UPMJ", days) in tables.aggregated[0].conditions


def test_windows_fill_a_page_and_no_more() -> None:
    """Batches are packed by their lines, at most fifty of one type."""
    by_lines = list(pack_windows(stamps_of(10, lines=30), rows_max=100))
    by_number = list(pack_windows(stamps_of(60, lines=1), rows_max=100))
    by_type = list(pack_windows([*stamps_of(2), *stamps_of(2, icut="V")], rows_max=100))

    assert [len(window.stamps) for window in by_lines] == [3, 3, 3, 1]
    assert [len(window.stamps) for window in by_number] == [50, 10]
    assert [window.icut for window in by_type] == ["G", "V"]


def test_large_batch_is_a_window_of_its_own_and_read_in_parts() -> None:
    """A batch past a page is divided by its documents, and a document past one by its lines."""
    rows = [journal(ICU=2, JELN=n, DOC=n // 149) for n in range(150)] + [journal(ICU=1)]
    tables = build_tables(*rows)
    found = dict(build_batcher(tables).read(list(build_stamper(tables).read_all())))

    assert sorted(len(batch.lines) for batch in found.values() if batch) == [1, 150]
    assert tables.divided == ["JELN", "JELN"]


@pytest.mark.parametrize(
    ("rows", "runs"),
    [
        ({}, []),
        ({5: 1}, [(5, 5)]),
        ({1: 40, 2: 60, 3: 1}, [(1, 2), (3, 3)]),
        ({1: 40, 2: 500, 3: 60, 9: 40}, [(1, 1), (2, 2), (3, 9)]),
    ],
)
def test_documents_are_read_in_runs_that_fit(
    rows: dict[int, int], runs: list[tuple[int, int]]
) -> None:
    """Small documents are read together, a large one alone, by its lines."""
    assert list(pack_documents(rows, rows_max=100)) == runs


def test_rows_that_do_not_reach_the_count_are_refused_by_name() -> None:
    """What came is held against a count, looked at once more, and refused with the batches."""
    tables = build_tables(journal())
    reader = build_batcher(tables)
    tables.miscount = 0
    reader.reference.wanted_lines()
    tables.miscount = 1

    with pytest.raises(BatchMovingError, match=r"G-1.*1 rows came, and the server counts 2"):
        list(reader.read([BatchStamp(batch_id="G-1", version="")]))

    lines = [query for query in tables.browsed if query.table == "F0911"]
    assert len(lines) == 2


def test_row_given_twice_is_refused_by_name() -> None:
    """A doubled row hides a missing one, whatever the count says."""
    tables = build_tables(journal(), journal())

    with pytest.raises(BatchMovingError, match="came twice"):
        list(build_batcher(tables).read([BatchStamp(batch_id="G-1", version="")]))


@pytest.mark.parametrize("scale", ["1", "0.01", "10"])
def test_sums_are_scaled_by_what_their_own_lines_say(scale: str) -> None:
    """Whatever the server divides sums by is found out from one account's lines."""
    tables = build_tables(journal(), journal(JELN=2, AA=Decimal(7)), F0902=[balance(AN01=12)])
    tables.scale = Decimal(scale)
    (found,) = build_balancer(tables).read(LEDGER, PERIOD, Measure.BASE)

    assert (found.activity, found.of_lines) == (Decimal(12), Decimal(12))


def test_sums_that_are_rounded_are_left_out() -> None:
    """A server that rounds some sums is found out by the others."""
    rows = [journal(AID="00000001"), journal(AID="00000002", DOC=2, AA=Decimal("1.25"))]
    tables = build_tables(*rows, F0902=[balance()])
    tables.decimals = 1
    found = build_balancer(tables).read(LEDGER, PERIOD, Measure.BASE)

    assert {b.of_lines for b in found} == {None}


def test_sums_are_asked_for_in_ranges_of_accounts_where_lists_are_cut() -> None:
    """A server that lists few groups still tells every account."""
    rows = [journal(AID=f"{n:08d}", DOC=n) for n in range(90, 120)]
    tables = build_tables(*rows, F0902=[balance(AID=row["AID"]) for row in rows])
    tables.groups_max = 4
    found = list(build_balancer(tables).read(LEDGER, PERIOD, Measure.BASE))

    assert [(b.activity, b.of_lines) for b in found] == [(Decimal(5), Decimal(5))] * 30


def test_sums_that_fit_no_scale_are_left_out() -> None:
    """Sums nobody can explain are not told; the balances are."""
    tables = build_tables(journal(), F0902=[balance()])
    tables.scale = Decimal(3)
    (found,) = build_balancer(tables).read(LEDGER, PERIOD, Measure.BASE)

    assert (found.activity, found.of_lines) == (Decimal(5), None)
    with pytest.raises(BalanceUnfitError, match="split"):
        list(build_balancer(tables).read(LEDGER, PERIOD, Measure.ENTERED))


def test_balance_sums_subledgers_and_tells_accounts_in_either() -> None:
    """An account is told once, be it in the balances, in the lines, or in both."""
    rows = [balance(), balance(SBL="1", AN01=Decimal(-2)), balance(AID="00000002", AN01=None)]
    tables = build_tables(journal(AID="00000003", AA=Decimal(4)), F0902=rows)
    found = build_balancer(tables).read(LEDGER, PERIOD, Measure.BASE)

    assert [(b.key.combination, b.activity, b.of_lines) for b in found] == [
        ("00000001", Decimal(3), ZERO),
        ("00000002", ZERO, ZERO),
        ("00000003", ZERO, Decimal(4)),
    ]


def test_entered_balances_are_told_per_currency() -> None:
    """Foreign documents are taken off the own currency and told in their own."""
    lines = [
        journal(),
        journal(JELN=2, CRCD="EUR", AA=Decimal(11)),
        journal(JELN=2, CRCD="EUR", AA=Decimal(10), LT="CA"),
    ]
    rows = [balance(AN01=Decimal(16)), balance(LT="CA", CRCD="EUR", AN01=Decimal(10))]
    found = build_balancer(build_tables(*lines, F0902=rows)).read(LEDGER, PERIOD, Measure.ENTERED)

    assert [(b.key.currency, b.activity, b.of_lines) for b in found] == [
        ("USD", Decimal(5), Decimal(5)),
        ("EUR", Decimal(10), Decimal(10)),
    ]


@pytest.mark.parametrize(
    ("row", "measure"),
    [({"AID": None}, Measure.BASE), ({"LT": "CA", "CRCD": None}, Measure.ENTERED)],
)
def test_balance_without_account_or_currency_is_refused(
    row: dict[str, Any], measure: Measure
) -> None:
    """A row that says not whose it is stops the comparison."""
    tables = build_tables(F0902=[balance(**row)])

    with pytest.raises(BalanceUnfitError, match="without account or currency"):
        list(build_balancer(tables).read(LEDGER, PERIOD, measure))


def test_accounts_are_divided_by_their_digits() -> None:
    """Ranges of account ids keep their leading noughts."""
    tables = build_tables(F0901=[{"AID": f"{n:08d}", "CO": "00001"} for n in range(90, 120)])
    tables.fetch_limit = 4
    client: Any = tables
    query = Query(table="F0901", columns=("AID",), conditions=(equal("CO", "00001"),))
    windows = list(read_by_account(client, query))

    assert sorted(str(row[0]) for window in windows for row in window) == [
        f"{n:08d}" for n in range(90, 120)
    ]
    assert max(map(len, windows)) <= 4


def test_small_tables_are_kept_for_minutes() -> None:
    """What hardly changes is read once, and again when it has grown old or the clock went back."""
    clock, read = StillClock(), []
    kept = Kept(lambda: read.append(1), clock=clock)
    for seconds in (0, 299, 1, 0, -3600):
        clock.sleep(seconds)
        kept.load()

    assert len(read) == 3
