"""Walks through the pages of one query: whole, or from the start again; never a page twice."""

from typing import Final
from urllib.parse import urlsplit

from ml_connector.systems.calls import RemoteReply
from ml_connector.systems.jde import wire
from ml_connector.systems.jde.conditions import Query, Row
from ml_connector.systems.jde.refusals import (
    RestartError,
    TruncatedError,
    render_trouble,
    render_truncated,
)
from ml_connector.systems.jde.service import DataService

ROWS_MAX: Final = 2_000_000
"""Rows one read may hold; larger ones are read in windows."""
WHOLE_ROWS: Final = 50_000
"""Rows asked for at once where no next pages are to be had; more would not fit a body."""
LINK_FAILURES_MAX: Final = 2
"""Failures behind the first page after which a read does without next pages."""
_LINK_ENDING: Final = "/dataservice/next"


class PageReader:
    """Reads queries whole; learns what the server offers and where it stops."""

    def __init__(self, service: DataService, *, page_size: int) -> None:
        self._service = service
        self._page_size = page_size
        self._has_links = True
        self.fetch_limit: int | None = None
        """Rows behind which this server cuts a read off; None while it has not done so."""

    def read(self, query: Query) -> list[Row]:
        """Every row of the query, in the server's order.

        Raises:
            TruncatedError: The server holds rows back.
            ColumnHiddenError: Asked columns are missing.
            ConnectorError: The server refuses, or does not answer.
        """
        assert query.columns
        if self._has_links:
            rows = self._read_linked(query)
            if rows is not None:
                return rows
        return self._service.repeat(lambda: self._read_at_once(query), table=query.table)

    def read_beginning(self, query: Query, *, rows: int) -> tuple[list[Row], bool]:
        """The first rows of the query, and whether there are more.

        Raises:
            ConnectorError: As `read`, but for rows that are held back.
        """

        def read() -> tuple[list[Row], bool]:
            _, page = self._read_first(query, rows=rows, offers_links=False)
            return page.rows, page.has_more

        return self._service.repeat(read, table=query.table)

    def _read_linked(self, query: Query) -> list[Row] | None:
        """The rows page by page; None when next pages are not offered or keep failing."""
        failures = 0

        def read() -> list[Row] | None:
            nonlocal failures
            try:
                return self._walk(query)
            except RestartError as spoiled:
                failures += spoiled.in_link
                if failures <= LINK_FAILURES_MAX or not spoiled.in_link:
                    raise
                return None

        return self._service.repeat(read, table=query.table)

    def _walk(self, query: Query) -> list[Row] | None:
        reply, page = self._read_first(query, rows=self._page_size, offers_links=True)
        rows = page.rows
        if page.has_more and not page.link and not self._is_limit(len(rows)):
            # Either next pages are not offered, or a limit not met before: asking once tells.
            return None
        while page.link:
            reply, page = self._read_next(query, find_link_query(reply, page.link, query.table))
            rows += page.rows
            self._verify_progress(reply, page, query.table, rows_seen=len(rows))
        if page.has_more:
            raise self._cut_off(query, len(rows))
        return rows

    def _is_limit(self, rows_seen: int) -> bool:
        return self.fetch_limit is not None and rows_seen >= self.fetch_limit

    def _verify_progress(
        self, reply: RemoteReply, page: wire.Page, table: str, *, rows_seen: int
    ) -> None:
        if not page.rows and (page.has_more or page.link):
            fault = "an empty page before the end"
            raise RestartError(render_trouble(reply, table=table, fault=fault), in_link=True)
        if rows_seen > ROWS_MAX:
            raise reply.render_off_contract(f"more than {ROWS_MAX} rows of {table}")

    def _read_next(self, query: Query, link_query: str) -> tuple[RemoteReply, wire.Page]:
        reply = self._service.send_next(link_query, table=query.table)
        try:
            return reply, self._parse(reply, query)
        except RestartError as spoiled:
            raise RestartError(spoiled.error, in_link=True) from spoiled

    def _read_at_once(self, query: Query) -> list[Row]:
        _, page = self._read_first(query, rows=max(WHOLE_ROWS, self._page_size), offers_links=False)
        if len(page.rows) > self._page_size:
            # This took pages, and they were not to be had.
            self._has_links = False
        if page.has_more:
            raise self._cut_off(query, len(page.rows))
        return page.rows

    def _read_first(
        self, query: Query, *, rows: int, offers_links: bool
    ) -> tuple[RemoteReply, wire.Page]:
        body = wire.render_browse(
            query,
            rows=str(rows),
            offers_links=offers_links,
            render_date=self._service.session.read_grant().render_date,
        )
        reply = self._service.send(body, table=query.table)
        return reply, self._parse(reply, query)

    def _parse(self, reply: RemoteReply, query: Query) -> wire.Page:
        return self._service.parse(
            reply,
            lambda content: wire.parse_page(content, query.table, query.columns),
            table=query.table,
        )

    def _cut_off(self, query: Query, rows_seen: int) -> TruncatedError:
        self.fetch_limit = rows_seen
        return render_truncated(self._service.system, query.table, rows_seen)


def find_link_query(reply: RemoteReply, link: str, table: str) -> str:
    """The query of a link, as it stands; its host, scheme and path prefix are passed over (J-09).

    Raises:
        RestartError: The link leads somewhere else than to a next page.
    """
    try:
        parts = urlsplit(link)
    except ValueError:
        parts = urlsplit("")
    if parts.path.rstrip("/").endswith(_LINK_ENDING) and parts.query.isascii():
        return parts.query
    fault = "a link that leads to no next page"
    raise RestartError(render_trouble(reply, table=table, fault=fault), in_link=True)
