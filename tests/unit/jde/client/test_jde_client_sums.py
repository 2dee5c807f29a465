"""Counts, groups and windows: nothing is cut in silence, nothing is counted twice."""

import json
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from itertools import chain
from typing import Any

import httpx2
import pytest

from ml_connector.errors import ConnectorError
from ml_connector.systems.jde.client import JdeClient
from ml_connector.systems.jde.conditions import (
    AggregateQuery,
    GroupRow,
    Query,
    max_of,
    min_of,
    sum_of,
)
from ml_connector.systems.jde.grouping import LOOKS_MAX, merge_groups
from ml_connector.systems.jde.refusals import ColumnHiddenError, GroupsCutError, TruncatedError
from ml_connector.systems.jde.windows import Span

BY_COMPANY = AggregateQuery(table="F0911", groups=("CO",), figures=(sum_of("AA"),))


class Table:
    """Rows of one numeric column behind a server that gives so many of anything at once."""

    def __init__(self, values: list[str], *, limit: int, page: Callable[..., str]) -> None:
        self.values = values
        self.limit = limit
        self.page = page
        self.cuts_in_silence = False
        self.kinds: Counter[str] = Counter()

    def __call__(self, request: httpx2.Request) -> str:
        """The answer to a count, a grouping or a browse."""
        body = json.loads(request.content)
        self.kinds[body["dataServiceType"]] += 1
        fitting = [one for one in self.values if self.fits(one, body.get("query"))]
        return self.answer(body, fitting)

    def answer(self, body: dict[str, Any], fitting: list[str]) -> str:
        """The answer from the rows that fit."""
        if body["dataServiceType"] == "COUNT":
            return f'{{"ds_F0911":{{"count":{len(fitting)}}}}}'
        if body["dataServiceType"] == "BROWSE":
            rows = [f'{{"F0911_DOC":{one}}}' for one in fitting[: self.limit]]
            more = len(fitting) > self.limit and not self.cuts_in_silence
            return self.page(*rows, more=more, columns={"F0911_DOC": "x"})
        if "groupBy" in body["aggregation"]:
            groups = Counter(fitting).items()
            output = [f'{{"groupBy":{{"DOC":{one}}},"COUNT":{n}}}' for one, n in groups]
            return f'{{"ds_F0911":{{"output":[{",".join(output[: self.limit])}]}}}}'
        ends = sorted(fitting, key=Decimal) or ["null"]
        return (
            f'{{"ds_F0911":{{"output":[{{"DOC_MIN":{ends[0]},"DOC_MAX":{ends[-1]},'
            f'"COUNT":{len(fitting)}}}]}}}}'
        )

    @staticmethod
    def fits(value: str, query: dict[str, Any] | None) -> bool:
        """Whether a row fits the conditions."""
        tests = {"GREATER_EQUAL": Decimal.__ge__, "LESS": Decimal.__lt__}
        return all(
            tests[one["operator"]](Decimal(value), Decimal(one["value"][0]["content"]))
            for one in (query or {}).get("condition", [])
        )


DOCUMENTS = Query(table="F0911", columns=("DOC",))


def read_all(client: JdeClient) -> list[list[Any]]:
    """The windows, as values."""
    return [[row[0] for row in rows] for rows in client.browse_windows(DOCUMENTS, split_by="DOC")]


@pytest.mark.parametrize("is_silent", [False, True])
def test_windows_hold_each_row_once(ais: Any, *, is_silent: bool) -> None:
    """Whether the server admits a cut or not, the windows together are the table."""
    values = [str(number) for number in [0, -3, 5, 5, 5, 8, 900, 901, 902, 2000, 77, 12, 13]]
    table = Table(values, limit=4, page=ais.page)
    table.cuts_in_silence = is_silent
    ais.on("/v2/dataservice", table)

    windows = read_all(ais.connect())

    assert sorted(chain(*windows)) == sorted(int(one) for one in values)
    assert max(map(len, windows)) <= 4


def test_fractions_between_two_windows_are_not_lost(ais: Any) -> None:
    """A value between two whole numbers lies in one of the windows."""
    values = ["1", "1.5", "2", "2.25", "2.5", "2.75", "3", "3.001"]
    ais.on("/v2/dataservice", Table(values, limit=4, page=ais.page))

    assert sorted(map(str, chain(*read_all(ais.connect())))) == sorted(values)


def test_small_tables_are_read_in_one_window(ais: Any) -> None:
    """What fits is counted once and read once."""
    table = Table(["1", "2"], limit=4, page=ais.page)
    ais.on("/v2/dataservice", table)

    assert read_all(ais.connect()) == [[1, 2]]
    assert table.kinds == {"COUNT": 1, "BROWSE": 1}


def test_empty_tables_have_no_window(ais: Any) -> None:
    """Nothing is read where nothing is counted."""
    ais.on("/v2/dataservice", Table([], limit=4, page=ais.page))

    assert read_all(ais.connect()) == []


def test_window_that_cannot_be_divided_says_what_to_do(ais: Any) -> None:
    """Five rows of one document behind a limit of four cannot be read by documents."""
    ais.on("/v2/dataservice", Table(["7"] * 5 + ["1", "9"], limit=4, page=ais.page))

    with pytest.raises(TruncatedError, match=r"F0911.*Fetch Limit"):
        read_all(ais.connect())


def test_next_column_divides_the_rows_of_one_value(ais: Any) -> None:
    """A document larger than the limit is divided by its lines."""

    def answer(request: httpx2.Request) -> str:
        body = json.loads(request.content)
        where = {
            (one["controlId"][6:], one["operator"]): int(one["value"][0]["content"])
            for one in (body.get("query") or {}).get("condition", [])
        }
        lines = [
            line
            for line in range(1, 9)
            if where.get(("JELN", "GREATER_EQUAL"), 0) <= line < where.get(("JELN", "LESS"), 99)
        ]
        if body["dataServiceType"] == "COUNT":
            return f'{{"count":{len(lines)}}}'
        if body["dataServiceType"] == "BROWSE":
            rows = [f'{{"F0911_DOC":{line}}}' for line in lines[:3]]
            return str(ais.page(*rows, more=len(lines) > 3, columns=None))
        column = body["aggregation"]["aggregations"][0]["column"]
        ends = (7, 7) if column == "DOC" else (1, 8)
        return groups(f'{{"{column}_MIN":{ends[0]},"{column}_MAX":{ends[1]},"COUNT":8}}')

    ais.on("/v2/dataservice", answer)

    windows = list(ais.connect().browse_windows(DOCUMENTS, split_by=("DOC", "JELN")))

    assert [row[0] for rows in windows for row in rows] == list(range(1, 9))


def test_limit_is_learnt_once(ais: Any) -> None:
    """A limit that was met is not run into again: windows over it are divided unread."""
    table = Table([str(one) for one in range(64)], limit=8, page=ais.page)
    ais.on("/v2/dataservice", table)
    client = ais.connect()
    read_all(client)
    table.kinds.clear()

    read_all(client)

    assert client.fetch_limit == 8
    assert table.kinds["BROWSE"] == 8


def test_span_leaves_no_gap() -> None:
    """Halves meet at a border that belongs to the upper one, and end nowhere on the outside."""
    whole = Span(column="DOC", first=None, end=None, least=1, greatest=4)
    halves = whole.halves()
    assert halves is not None
    lower, upper = halves

    assert (lower.first, lower.end, upper.first, upper.end) == (None, 3, 3, None)
    assert Span(column="DOC", first=3, end=4, least=1, greatest=9).halves() is None


# --- counts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", ['{"count":38761}', '{"ds_F0911":{"count":38761}}', '{"ds_F0911":{"count":"38761"}}']
)
def test_count_is_read_from_either_shape(ais: Any, client: JdeClient, body: str) -> None:
    """A count is understood alone, wrapped, and as text."""
    ais.on_data(body)

    assert client.count("F0911") == 38761


@pytest.mark.parametrize(
    "body",
    [
        '{"ds_F0911":{"count":null}}',
        '{"ds_F0911":{"count":-1}}',
        '{"ds_F0911":{"count":1.5}}',
        '{"ds_F0911":{"count":5,"error":{"message":"no"}}}',
        '{"count":5,"sysErrors":[{"TITLE":"x"}]}',
        "[]",
        "{",
        "",
    ],
)
def test_count_that_is_none_is_refused(ais: Any, client: JdeClient, body: str) -> None:
    """A count that cannot be read is no zero."""
    ais.on_data(body)

    with pytest.raises(ConnectorError, match="F0911"):
        client.count("F0911")


# --- groups -------------------------------------------------------------------------------------


def groups(*rows: str, **beside: Any) -> str:
    """An answer with raw groups."""
    rest = "".join(f",{json.dumps(key)}:{json.dumps(value)}" for key, value in beside.items())
    return f'{{"ds_F0911":{{"output":[{",".join(rows)}]{rest}}}}}'


ONE = '{"groupBy":{"CO":"00001 "},"AA_SUM":0.30,"COUNT":2}'
OTHER = '{"groupBy":{"CO":"   "},"AA_SUM":-7,"COUNT":3}'


def test_groups_come_in_the_asked_order(ais: Any, client: JdeClient) -> None:
    """Keys are trimmed, sums exact, and the counts have been held against the rows."""
    ais.on_data('{"count":5}', groups(ONE, OTHER))

    assert client.aggregate(BY_COMPANY) == [
        GroupRow(keys=("00001",), count=2, figures=(Decimal("0.30"),)),
        GroupRow(keys=(None,), count=3, figures=(-7,)),
    ]


def test_groups_named_with_their_table_are_read(ais: Any, client: JdeClient) -> None:
    """Some servers qualify what was asked for without the table."""
    ais.on_data('{"count":2}', groups('{"groupBy":{"F0911.CO":"1"},"F0911.AA_SUM":1,"COUNT":2}'))

    assert client.aggregate(BY_COMPANY) == [GroupRow(keys=("1",), count=2, figures=(1,))]


def test_groups_that_moved_between_two_looks_are_taken(ais: Any, client: JdeClient) -> None:
    """A row posted after the count and before the groups is found by counting again."""
    ais.on_data('{"count":4}', groups(ONE, OTHER), '{"count":5}')

    assert len(client.aggregate(BY_COMPANY)) == 2


def test_cut_list_of_groups_is_refused(ais: Any, client: JdeClient) -> None:
    """Groups that hold fewer rows than there are must not become a total."""
    ais.on("/v2/dataservice", lambda request: (
        '{"count":5}' if b'"COUNT","query"' in request.content or b"AGGREGATION" not in
        request.content else groups(ONE)
    ))  # fmt: skip

    with pytest.raises(GroupsCutError, match=r"F0911 by CO"):
        client.aggregate(BY_COMPANY)

    assert len(ais.asked("/dataservice")) == 3 * LOOKS_MAX


def test_cut_list_of_groups_is_put_together_from_parts(ais: Any) -> None:
    """Where a numeric column divides the rows, a cut list is read range by range."""
    table = Table([str(number // 2) for number in range(40)], limit=4, page=ais.page)
    ais.on("/v2/dataservice", table)
    query = AggregateQuery(table="F0911", groups=("DOC",), split_by="DOC")

    found = ais.connect().aggregate(query)

    assert sorted(found) == [GroupRow(keys=(number,), count=2, figures=()) for number in range(20)]


def test_groups_may_be_taken_unchecked(ais: Any, client: JdeClient) -> None:
    """Who only looks for examples saves the count."""
    ais.on_data(groups(ONE))

    unchecked = AggregateQuery(
        table="F0911", groups=("CO",), figures=(sum_of("AA"),), is_checked=False
    )

    assert len(client.aggregate(unchecked)) == 1
    assert len(ais.asked("/dataservice")) == 1


@pytest.mark.parametrize(
    "row", ['{"groupBy":{},"AA_SUM":1,"COUNT":5}', '{"groupBy":{"CO":"1"},"COUNT":5}']
)
def test_missing_part_of_a_group_is_named(ais: Any, client: JdeClient, row: str) -> None:
    """A hidden column is no empty key and no zero."""
    ais.on_data('{"count":5}', groups(row))

    with pytest.raises(ColumnHiddenError, match=r"CO|AA_SUM"):
        client.aggregate(BY_COMPANY)


def test_error_beside_groups_is_a_failure(ais: Any, client: JdeClient) -> None:
    """Groups that come with an error are not taken."""
    ais.on_data('{"count":2}', groups(ONE, error={"message": "No such column"}))

    with pytest.raises(ConnectorError, match="No such column"):
        client.aggregate(BY_COMPANY)


def test_parts_of_a_group_are_merged() -> None:
    """Counts and sums are added, ends kept, and a part without value changes nothing."""
    figures = (sum_of("AA"), min_of("DOC"), max_of("CO"))
    one = GroupRow(keys=("1",), count=2, figures=(Decimal("0.1"), 5, "B"))
    other = GroupRow(keys=("1",), count=3, figures=(Decimal("0.2"), 4, "A"))
    empty = GroupRow(keys=("1",), count=1, figures=(None, None, None))
    alone = GroupRow(keys=("2",), count=1, figures=(1, 1, "C"))

    merged = merge_groups([one, alone, other, empty], figures)

    assert merged == [GroupRow(keys=("1",), count=6, figures=(Decimal("0.3"), 4, "B")), alone]
