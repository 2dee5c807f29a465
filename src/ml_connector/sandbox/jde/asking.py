"""From a wish and its caller to a question for the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.jde.aggregating import Aggregator
from ml_connector.sandbox.jde.callers import Caller
from ml_connector.sandbox.jde.cells import CellStyle
from ml_connector.sandbox.jde.columns import Column, Table
from ml_connector.sandbox.jde.conditions import (
    ConditionReader,
    Filter,
    column_of,
    column_operand,
    find_column,
)
from ml_connector.sandbox.jde.literals import ValueReader
from ml_connector.sandbox.jde.money import Money, load_money
from ml_connector.sandbox.jde.practices import Practices
from ml_connector.sandbox.jde.question import Question
from ml_connector.sandbox.jde.refusals import QueryRefusalError, RefusalError
from ml_connector.sandbox.jde.schema import TABLES
from ml_connector.sandbox.jde.sight import Sight
from ml_connector.sandbox.jde.switches import jas_zone
from ml_connector.sandbox.jde.wishes import UNLIMITED, Wish
from ml_connector.sandbox.store import Store
from ml_connector.sandbox.switches import Switches

_NOTHING = Filter(sql="0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Makes questions, with the user's security and the switches worked in."""

    store: Store
    clock: SandboxClock
    switches: Switches
    sight: Sight
    practices: Practices

    def question(self, wish: Wish, caller: Caller) -> Question:
        """Return the question of a wish; refused where it names what is not there."""
        table = self._table(wish.target)
        money = load_money(self.store)
        wanted = self._conditions(table, money, caller).read_query(wish.query)
        self.practices.watch_poll(table.name, wanted.sql, self._today())
        return Question(
            table=table,
            wish=wish,
            columns=self._columns(table, wish),
            filter=self._row_filter(table, caller).joined("AND", wanted),
            style=CellStyle(
                money=money,
                padding=str(self.switches["stringPadding"]),
                blank_date=str(self.switches["blankDate"]),
            ),
            limit=int(self.switches["dbFetchLimit"] or UNLIMITED),
            seed=wish.target if self.switches["shuffleKeys"] == "on" else None,
        )

    def aggregator(self, question: Question, caller: Caller) -> Aggregator:
        """Return what builds the aggregation of a question."""
        limit = question.wish.page_size
        if self.switches["fetchLimitCutsGroups"]:
            limit = min(limit, question.limit)
        offset = jas_zone(self.switches).utcoffset(None)
        return Aggregator(
            question=question,
            values=self._values(caller),
            in_currency=self.switches["aggregationDecimals"] == "currency",
            epoch_dates=self.switches["aggregationDates"] == "epoch",
            zone_hours=int(offset.total_seconds() // 3600),
            limit=limit,
        )

    def finds(self, wish: Wish) -> bool:
        """Return whether the find is run at all."""
        if wish.columns_only:
            return False
        return wish.find or self.switches["withoutFind"] == "rows"

    def _table(self, target: str) -> Table:
        table = TABLES.get(target)
        if table is None:
            raise QueryRefusalError(f"Table {target!r} not found.")
        if target in self.switches["deniedTables"] and self.switches["deniedAs"] != "empty":
            raise RefusalError(int(self.switches["deniedAs"]), f"Not authorized to {target}.")
        return table

    def _columns(self, table: Table, wish: Wish) -> tuple[Column, ...]:
        visible = self.sight.visible_columns(table)
        if wish.names is None:
            return visible
        wanted = []
        for name in wish.names:
            column = find_column(table, name)
            if column is None and self.switches["unknownColumn"] == "refuse":
                raise QueryRefusalError(f"Column {name!r} not found in {table.name}.")
            if column in visible and column not in wanted:
                wanted.append(column)
        return tuple(wanted)

    def _row_filter(self, table: Table, caller: Caller) -> Filter:
        if table.name in self.switches["deniedTables"]:
            return _NOTHING
        return self.sight.row_filter(table, caller.user)

    def _conditions(self, table: Table, money: Money, caller: Caller) -> ConditionReader:
        return ConditionReader(
            values=self._values(caller),
            operand=lambda one: column_operand(
                table, column_of(table, one.get("controlId")), money
            ),
        )

    def _values(self, caller: Caller) -> ValueReader:
        return ValueReader(dates=caller.dates, today=self._today(), login_user=caller.user.name)

    def _today(self) -> date:
        return self.clock.now_utc().astimezone(jas_zone(self.switches)).date()
