"""Journals in the account ledger, found again by the key that each of their lines bears."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from ml_connector.domain.journals import Journal
from ml_connector.errors import ProtocolError
from ml_connector.ports import Clock, JournalFound, JournalState
from ml_connector.systems.jde.client import JdeClient
from ml_connector.systems.jde.conditions import Query, any_of, equal
from ml_connector.systems.jde.journal_rules import BatchStateRow, KeyedRow, hold_against
from ml_connector.systems.jde.reference import Reference
from ml_connector.systems.jde.rows import ACCOUNT_LEDGER, build_rows, columns_of

BATCHES: Final = "F0011"
BATCHES_SHOWN_MAX: Final = 200
LINES_FOUND_MAX: Final = 50_000
"""Lines under one key; more come only of a server that passes over the condition."""
GROWING_S: Final = (2.0, 5.0, 10.0)
"""Pauses before lines that are too few are counted again: they may still be coming in."""


class KeyPassedOverError(ProtocolError):
    """Lines were asked for by their key, and others came; nothing can be found that way."""

    code: ClassVar[str] = "jde.key-passed-over"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedLines:
    """Looks for lines by their key; safe to share between threads, every look may be repeated."""

    client: JdeClient
    reference: Reference
    clock: Clock

    def find(self, journal: Journal, posting_key: str) -> JournalFound:
        """What the ledger shows under the key.

        A server whose caller has gone may still be entering lines: too few of them are looked at
        again until they stay as they are (J-61).

        Raises:
            KeyPassedOverError: Other lines came than were asked for.
        """
        found = self._look(journal, posting_key)
        for pause in GROWING_S:
            is_short = found.lines < len(journal.lines)
            if found.state is not JournalState.PARTIAL or not is_short:
                return found
            self.clock.sleep(pause)
            found = self._look(journal, posting_key)
        return found

    def count(self, posting_key: str) -> int:
        """How many lines bear the key."""
        return self.client.count(ACCOUNT_LEDGER, (equal("R2", posting_key),))

    def _look(self, journal: Journal, posting_key: str) -> JournalFound:
        rows = self.read(posting_key)
        batches = sorted({row.batch for row in rows})
        return hold_against(rows, journal, self._read_states(batches))

    def read(self, posting_key: str) -> list[KeyedRow]:
        """Every line that bears the key, of any ledger type.

        Raises:
            KeyPassedOverError: Other lines came than were asked for.
        """
        counted = self.count(posting_key)
        if not counted:
            return []
        if counted > LINES_FOUND_MAX:
            raise self._render_passed_over(posting_key, f"{counted} lines")
        query = Query(
            table=ACCOUNT_LEDGER,
            columns=columns_of(KeyedRow),
            conditions=(equal("R2", posting_key),),
        )
        windows = self.client.browse_windows(query, split_by=("DOC", "JELN"))
        rows = [row for window in windows for row in build_rows(KeyedRow, window)]
        for row in rows:
            if row.r2 != posting_key:
                raise self._render_passed_over(posting_key, f"a line of {row.document}")
        return rows

    def _read_states(self, batches: list[tuple[str, int]]) -> Mapping[tuple[str, int], str]:
        if not batches:
            return {}
        numbers = sorted({icu for _, icu in batches})[:BATCHES_SHOWN_MAX]
        rows = self.reference.read_table(BatchStateRow, BATCHES, any_of("ICU", numbers))
        return {(row.icut, row.icu): row.ist for row in rows}

    def _render_passed_over(self, posting_key: str, came: str) -> KeyPassedOverError:
        return KeyPassedOverError(
            f"{self.client.system} was asked for lines with reference 2 {posting_key} and gave"
            f" {came}.",
            written="Nothing was written by this look.",
            next_step="Let the user see and search column R2 of F0911 (column security), then:"
            " `ml-connector doctor`.",
            key=posting_key,
        )
