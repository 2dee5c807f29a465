"""Result sets that pages are taken from: frozen, bound to a token, forgotten when left alone."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ml_connector.sandbox.jde.question import Question, Statement
from ml_connector.sandbox.jde.readers import Readers
from ml_connector.sandbox.jde.refusals import EXPIRED_TITLE, RefusalError, sys_errors

OPEN_MAX = 64
RowsText = Callable[[Sequence[tuple[Any, ...]]], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some rows, rendered; `more` rows exist, and `follows` says that they can be fetched."""

    rows: str
    count: int
    more: bool
    follows: bool


@dataclass(slots=True, kw_only=True)
class ResultSet:
    """An open statement; its read transaction is what freezes the rows.

    Nothing is held but the statement and the one row that was looked at ahead, however many
    rows there are.
    """

    question: Question
    db: sqlite3.Connection
    cursor: sqlite3.Cursor
    render: RowsText
    ahead: list[tuple[Any, ...]] = field(default_factory=list)
    delivered: int = 0
    token: str = ""
    stack_id: int = 0
    used_at: float = 0.0
    ended: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next_page(self) -> Page:
        """Return the next rows; after the last ones, an empty page."""
        with self.lock:
            if self.ended:
                raise RefusalError(500, EXPIRED_TITLE, body=sys_errors(EXPIRED_TITLE))
            wanted = min(self.question.wish.page_size, self.question.limit - self.delivered)
            rows = self.ahead[:wanted]
            if wanted > len(rows):
                rows = rows + self.cursor.fetchmany(min(wanted - len(rows), 2**31 - 1))
            self.ahead = self.cursor.fetchmany(1) if rows else []
            self.delivered += len(rows)
            more = bool(self.ahead)
            follows = more and self.delivered < self.question.limit
            return Page(rows=self.render(rows), count=len(rows), more=more, follows=follows)


class ResultSets:
    """The result sets that may still be paged through."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers
        self._lock = threading.Lock()
        self._open: dict[str, ResultSet] = {}

    def start(self, question: Question, statement: Statement, render: RowsText) -> ResultSet:
        """Return a result set that stands before its first row; the caller keeps or ends it."""
        db = self._readers.take()
        try:
            cursor = db.execute(statement.sql, statement.params)
        except BaseException:
            self._readers.give_back(db)
            raise
        return ResultSet(question=question, db=db, cursor=cursor, render=render)

    def keep(self, rid: str, result: ResultSet) -> None:
        """The result set can be found by its id; where there are too many, the oldest goes."""
        with self._lock:
            self._open[rid] = result
            oldest = min(self._open, key=lambda one: self._open[one].used_at)
            dropped = self._open.pop(oldest) if len(self._open) > OPEN_MAX else None
        if dropped is not None:
            self.end(dropped)

    def find(self, rid: str, *, now: float, idle_s_max: float) -> ResultSet | None:
        """Return the result set, used now; None where it is unknown or was left too long."""
        with self._lock:
            late = [key for key, one in self._open.items() if now - one.used_at > idle_s_max]
            dropped = [self._open.pop(key) for key in late]
            found = self._open.get(rid)
            if found is not None:
                found.used_at = now
        for one in dropped:
            self.end(one)
        return found

    def forget_token(self, token: str | None) -> None:
        """No result set of the token is left; None means every token."""
        with self._lock:
            gone = [key for key, one in self._open.items() if token in {None, one.token}]
            dropped = [self._open.pop(key) for key in gone]
        for one in dropped:
            self.end(one)

    def end(self, result: ResultSet) -> None:
        """The statement is closed and its connection free."""
        with result.lock:
            if result.ended:
                return
            # A page that is asked for at this very moment must not meet another's connection.
            result.ended = True
            result.cursor.close()
            self._readers.give_back(result.db)
