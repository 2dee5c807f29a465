"""Rows: whole windows, exact values, and what spoils a page."""

from decimal import Decimal
from typing import Any

import httpx2
import pytest

from ml_connector.errors import ConnectorError
from ml_connector.systems.jde.client import JdeClient
from ml_connector.systems.jde.conditions import Query
from ml_connector.systems.jde.paging import LINK_FAILURES_MAX
from ml_connector.systems.jde.refusals import (
    ColumnHiddenError,
    ReadRefusedError,
    ServerTroubleError,
    TruncatedError,
)
from ml_connector.systems.jde.service import RESTARTS_MAX

EXPIRED = "JAS_MSG347: The query results expired.  Refresh them by clicking Find again."
LINK = "stackId=1&token=044r%2B%3D%3D&returnControlIDs=F0911.DOC%7CF0911.AA"


def docs(rows: list[Any]) -> list[int]:
    """The document numbers of rows."""
    return [row[0] for row in rows]


def test_row_is_a_tuple_in_the_asked_order(ais: Any, client: JdeClient, query: Query) -> None:
    """Whatever order the keys of a row come in, its values stand as they were asked for."""
    ais.on_data(ais.page(*(ais.row(number) for number in range(1, 3))))

    assert client.browse(query) == [
        (1, Decimal("1.50"), "30", "x"),
        (2, Decimal("1.50"), "30", "x"),
    ]


@pytest.mark.parametrize(
    ("literal", "amount"),
    [
        ("6778.23", Decimal("6778.23")),
        ("-16176.39", Decimal("-16176.39")),
        ("1200", 1200),
        ("0", 0),
        ("123456789012345.67", Decimal("123456789012345.67")),
        ("99999999999999999999999", 99999999999999999999999),
        ("0.10", Decimal("0.10")),
        ("null", None),
    ],
)
def test_amount_is_read_from_its_literal(
    ais: Any, client: JdeClient, query: Query, literal: str, amount: object
) -> None:
    """No amount passes through a binary fraction on its way in."""
    ais.on_data(ais.page(ais.row(1, amount=literal)))

    (read,) = client.browse(query)

    assert (read[1], type(read[1])) == (amount, type(amount))


@pytest.mark.parametrize(
    ("text", "read"),
    [("  ", None), ("", None), (" a b  ", "a b"), ("é\u00a0", "é\u00a0"), ("a\tb\t", "a\tb\t")],
)
def test_text_comes_without_its_padding(
    ais: Any, client: JdeClient, query: Query, text: str, read: str | None
) -> None:
    """Blanks around a text go, and nothing else; a text of blanks alone is none."""
    ais.on_data(ais.page(ais.row(1, text=text)))

    assert client.browse(query)[0][3] == read


def test_pages_are_followed_to_the_end(ais: Any, client: JdeClient, query: Query) -> None:
    """Each link leads to the next page, until there is none."""
    ais.on_data(ais.page(ais.row(1), ais.row(2), more=True, link=LINK))
    ais.on_next(ais.page(ais.row(3), ais.row(4), more=True, link=LINK), ais.page(ais.row(5)))

    assert docs(client.browse(query)) == [1, 2, 3, 4, 5]
    assert len(ais.asked("/dataservice")) == 1
    assert ais.bodies()[0]["maxPageSize"] == "2"
    assert ais.bodies()[0]["enableNextPageProcessing"] is True


def test_links_lead_to_the_configured_server_only(ais: Any, query: Query) -> None:
    """Of a link only its query is used, as it stands; host, scheme and path are our own."""
    ais.answers = {f"/erp{path}": answers for path, answers in ais.answers.items()}
    ais.answers["/erp/jderest/v2/dataservice"] = [ais.page(ais.row(1), more=True, link=LINK)]
    ais.answers["/erp/jderest/v2/dataservice/next"] = [ais.page(ais.row(2))]

    client = ais.connect(ais_url="https://proxy.example/erp/jderest/v2/")
    read = client.browse(query)

    (followed,) = ais.asked("/next")
    assert docs(read) == [1, 2]
    assert (
        followed.url.copy_with(query=None)
        == "https://proxy.example/erp/jderest/v2/dataservice/next"
    )
    assert followed.url.query.decode() == LINK
    assert followed.headers["jde-AIS-Auth"] == ais.token()


def test_link_to_anything_else_is_not_followed(ais: Any, client: JdeClient, query: Query) -> None:
    """A link that leads to no next page is a broken page, wherever it points."""
    first = ais.page(ais.row(1), more=True, link=LINK).replace(
        "dataservice/next", "tokenrequest/logout"
    )
    ais.on_data(*[first] * (LINK_FAILURES_MAX + 1), ais.page(ais.row(1), ais.row(2)))

    assert docs(client.browse(query)) == [1, 2]
    assert ais.logouts == []
    assert ais.asked("/next") == []


@pytest.mark.parametrize(
    "spoiled",
    [
        httpx2.Response(500, json={"sysErrors": [{"TITLE": EXPIRED, "DESC": "JAS_MSG347: x"}]}),
        httpx2.Response(444),
        httpx2.Response(403),
        httpx2.Response(401),
        httpx2.Response(500, text="<html>Error 500</html>"),
        httpx2.Response(500),
        httpx2.Response(500, json={"message": "no such result"}),
        httpx2.Response(400, json={"message": "no such result"}),
        httpx2.Response(502),
        httpx2.Response(200, text="<html><title>Sign in</title>"),
        httpx2.Response(200, text='{"fs_DATABROWSE_F0911":{"data":{"gridData":{"row'),
        httpx2.Response(200),
        httpx2.ReadError("reset"),
        httpx2.ReadTimeout("slow"),
    ],
)
def test_read_begins_anew_when_a_next_page_fails(
    ais: Any, client: JdeClient, query: Query, spoiled: object
) -> None:
    """However a next page fails, the whole read starts over: no row is lost or comes twice."""
    ais.on_data(ais.page(ais.row(1), ais.row(2), more=True, link=LINK))
    ais.on_next(
        ais.page(ais.row(3), more=True, link=LINK), spoiled, ais.page(ais.row(3), ais.row(4))
    )

    assert docs(client.browse(query)) == [1, 2, 3, 4]
    assert len(ais.asked("/dataservice")) == 2
    assert len(ais.asked("/next")) == 3


def test_next_page_is_never_asked_for_twice(ais: Any, client: JdeClient, query: Query) -> None:
    """A lost answer is not asked for again: the server may have moved on."""
    ais.on_data(
        ais.page(ais.row(1), more=True, link="a=1"), ais.page(ais.row(1), more=True, link="a=2")
    )
    ais.on_next(httpx2.Response(503, headers={"Retry-After": "1"}), ais.page(ais.row(2)))

    client.browse(query)

    assert [each.url.query for each in ais.asked("/next")] == [b"a=1", b"a=2"]


@pytest.mark.parametrize(
    "spoiled",
    [
        {"records": 7},
        {"sysErrors": [{"TITLE": EXPIRED}]},
        {"sysErrors": [{"TITLE": "The database is away"}]},
        {"errors": [{"TITLE": "The form failed"}]},
    ],
)
def test_first_page_that_contradicts_itself_is_read_again(
    ais: Any, client: JdeClient, query: Query, spoiled: dict[str, Any]
) -> None:
    """Rows beside a failure, or other ones than are counted, are not taken."""
    ais.on_data(ais.page(ais.row(9), **spoiled), ais.page(ais.row(1)))

    assert docs(client.browse(query)) == [1]


def test_spoiled_read_is_given_up_after_its_last_try(
    ais: Any, client: JdeClient, query: Query
) -> None:
    """A page that stays broken ends in an error that names the table, not in rows."""
    ais.on_data(ais.page(records=3))

    with pytest.raises(ServerTroubleError, match=r"F0911 .*0 rows where it counts 3"):
        client.browse(query)

    assert len(ais.asked("/dataservice")) == RESTARTS_MAX + 1


def test_failure_in_the_servers_words_gets_one_new_session(
    ais: Any, client: JdeClient, query: Query
) -> None:
    """A server that reports a failure may have lost half of the session: a new one mends that."""
    fault = ais.answer(500, message="JAS session is gone", status="ERROR")
    ais.on_data(fault, ais.page(ais.row(1)))

    assert docs(client.browse(query)) == [1]
    assert ais.logins == 2


def test_failure_that_stays_is_told_once_and_then_at_once(
    ais: Any, client: JdeClient, query: Query
) -> None:
    """What fails under a new session too is believed, in the server's words, without log-ins."""
    ais.on_data(ais.answer(500, message={"errors": [{"TITLE": "Unknown column ABC."}]}))

    for _ in range(3):
        with pytest.raises(ReadRefusedError, match=r"F0911 .*Unknown column ABC"):
            client.browse(query)

    assert ais.logins == 2


def test_hidden_column_is_named(ais: Any, client: JdeClient, query: Query) -> None:
    """A column that security takes away stops the read; its rows are not half a ledger."""
    columns = {"F0911_DOC": "Document", "F0911_EXA": "x"}
    ais.on_data(ais.page(ais.row(1), columns=columns))

    with pytest.raises(ColumnHiddenError, match=r"F0911 .*AA, MCU") as caught:
        client.browse(query)

    assert caught.value.columns == ("AA", "MCU")


@pytest.mark.parametrize(
    "columns", [None, {f"F0911_{name}": name for name in ("DOC", "AA", "MCU")}]
)
def test_column_missing_from_rows_is_named(
    ais: Any, client: JdeClient, query: Query, columns: dict[str, str] | None
) -> None:
    """A server that lists no columns is caught by its rows."""
    ais.on_data(ais.page('{"F0911_DOC":1,"F0911_AA":1,"F0911_MCU":" "}', columns=columns))

    with pytest.raises(ColumnHiddenError, match="EXA"):
        client.browse(query)


def test_table_without_rows_is_a_success(ais: Any, client: JdeClient, query: Query) -> None:
    """No rows are an answer."""
    ais.on_data(ais.page())

    assert client.browse(query) == []


def test_answer_without_the_table_is_a_failure(ais: Any, client: JdeClient, query: Query) -> None:
    """An answer that holds no grid of the table is no empty table."""
    ais.on_data('{"stackId":1,"sysErrors":[]}', ais.page(table="F0902"))

    with pytest.raises(ReadRefusedError, match="no fs_DATABROWSE_F0911"):
        client.browse(query)


def test_rows_held_back_behind_the_last_link_are_noticed(
    ais: Any, client: JdeClient, query: Query
) -> None:
    """A last page that claims more and leads nowhere is a cut read as well."""
    ais.on_data(ais.page(ais.row(1), ais.row(2), more=True, link=LINK))
    ais.on_next(ais.page(ais.row(3), more=True))

    with pytest.raises(TruncatedError, match="3 rows"):
        client.browse(query)

    assert client.fetch_limit == 3


@pytest.mark.parametrize("claim", [True, "true"])
def test_rows_held_back_are_noticed(
    ais: Any, client: JdeClient, query: Query, claim: object
) -> None:
    """More rows without a way to them are a cut read, never a whole one."""
    ais.on_data(ais.page(ais.row(1), ais.row(2), more=claim))

    with pytest.raises(TruncatedError, match="DB Fetch Limit") as caught:
        client.browse(query)

    assert caught.value.rows_seen == 2
    assert client.fetch_limit == 2


def test_server_without_next_pages_is_asked_for_all_at_once(
    ais: Any, client: JdeClient, query: Query
) -> None:
    """Where no link comes, everything is asked for in one answer, from then on at once."""
    ais.on_data(
        ais.page(ais.row(1), ais.row(2), more=True), ais.page(ais.row(1), ais.row(2), ais.row(3))
    )

    assert docs(client.browse(query)) == [1, 2, 3]
    assert docs(client.browse(query)) == [1, 2, 3]
    asked = ais.bodies()
    assert [body["maxPageSize"] for body in asked] == ["2", "50000", "50000"]
    assert "enableNextPageProcessing" not in asked[1]


def test_next_pages_that_keep_failing_are_done_without(
    ais: Any, client: JdeClient, query: Query
) -> None:
    """After a few failures the read asks for everything in one answer."""
    first = ais.page(ais.row(1), ais.row(2), more=True, link=LINK)
    ais.on_data(*[first] * (LINK_FAILURES_MAX + 1), ais.page(ais.row(1), ais.row(2), ais.row(3)))
    ais.on_next(500)

    assert docs(client.browse(query)) == [1, 2, 3]
    assert len(ais.asked("/next")) == LINK_FAILURES_MAX + 1


def test_read_outlives_a_server_that_is_away_for_minutes(
    ais: Any, client: JdeClient, query: Query
) -> None:
    """A restart at night is waited for with growing pauses."""
    away: list[object] = [httpx2.ConnectError("refused")] * 4 + [502, 503, 504, 500]
    ais.on_data(*away, ais.page(ais.row(1)))

    assert docs(client.browse(query)) == [1]
    assert ais.logins == 1


@pytest.mark.parametrize("status", [400, 404, 406, 415])
def test_refused_request_is_not_repeated(
    ais: Any, client: JdeClient, query: Query, status: int
) -> None:
    """What the server will not have is not sent again."""
    ais.on_data(httpx2.Response(status, json={"message": "No."}))

    with pytest.raises(ConnectorError, match=f"status {status}"):
        client.browse(query)

    assert len(ais.asked("/dataservice")) == 1
