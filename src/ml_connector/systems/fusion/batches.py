"""Reads one batch whole and holds it against its own totals."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from ml_connector.domain.ledger import Batch, BatchStamp, Line
from ml_connector.domain.money import ZERO
from ml_connector.errors import ProtocolError
from ml_connector.systems.fusion import translation, wire
from ml_connector.systems.fusion.client import FusionClient, GoneError

READS_MAX: Final = 2
"""A batch caught in the middle of a change is whole at the second look, or it is refused."""
LINES_MAX: Final = 5_000_000
"""Lines of one batch; they are held together, for a batch is replaced whole."""


class _UnfitError(Exception):
    """The batch as read contradicts itself; the text says how."""


class BatchReader:
    """Reads batches; safe to share between threads whose money is exact."""

    def __init__(self, client: FusionClient) -> None:
        self._client = client

    def read(self, stamp: BatchStamp) -> tuple[BatchStamp, Batch | None]:
        """The batch whole; None when it is gone or not posted.

        Keys of journals live as long as the server likes, so a missing child alone proves nothing:
        the batch itself is asked for again, and only its own absence counts (F-06).

        Raises:
            ProtocolError: Read twice, its lines still do not add up to its journals' totals.
        """
        fault = ""
        for _ in range(READS_MAX):
            row = self._find_posted(stamp.batch_id)
            if row is None:
                return stamp, None
            try:
                return stamp, self._read_whole(row)
            except GoneError as error:
                fault = f"its part {error} cannot be found"
            except ProtocolError as error:
                fault = error.refused.rstrip(".")
            except _UnfitError as error:
                fault = str(error)
        raise self._render_refused(stamp, fault)

    def _find_posted(self, batch_id: str) -> wire.BatchRow | None:
        try:
            row = self._client.read_batch(batch_id)
        except GoneError:
            return None
        # Letters nobody has explained yet are not posted either (F-09).
        return row if row.status == wire.POSTED else None

    def _read_whole(self, row: wire.BatchRow) -> Batch:
        headers: list[wire.HeaderRow] = []
        lines: list[Line] = []
        for key, header in self._client.read_headers(str(row.je_batch_id)):
            headers.append(header)
            journal = self._read_journal(row, header, key)
            _verify_totals(header, journal)
            lines.extend(journal)
            if len(lines) > LINES_MAX:
                raise _UnfitError(f"it has more than {LINES_MAX} lines")
        return translation.build_batch(row, headers, lines)

    def _read_journal(self, row: wire.BatchRow, header: wire.HeaderRow, key: str) -> list[Line]:
        rows = self._client.read_lines(str(row.je_batch_id), key)
        return [translation.build_line(line, header, row) for line in rows]

    def _render_refused(self, stamp: BatchStamp, fault: str) -> ProtocolError:
        return ProtocolError(
            f"Batch {stamp.batch_id} of {self._client.system} was read {READS_MAX} times and does"
            f" not hold together: {fault}.",
            written="Nothing of this batch was archived.",
            next_step="Look at the batch in Fusion, then run the flow again.",
            batch=stamp.batch_id,
        )


def _verify_totals(header: wire.HeaderRow, lines: Sequence[Line]) -> None:
    """The lines add up to what the journal says of itself, entered and accounted, side by side."""
    try:
        for side, stated, total in _pair_totals(header, lines):
            if stated is not None and stated != total:
                raise _UnfitError(
                    f"the lines of journal {header.journal_name!r} add up to {total} {side} where"
                    f" the journal says {stated}"
                )
    except ArithmeticError as error:
        raise _UnfitError(f"journal {header.journal_name!r} has amounts past all size") from error


def _pair_totals(
    header: wire.HeaderRow, lines: Sequence[Line]
) -> list[tuple[str, Decimal | None, Decimal]]:
    return [
        ("accounted debit", header.running_total_accounted_dr, sum((x.debit for x in lines), ZERO)),
        (
            "accounted credit",
            header.running_total_accounted_cr,
            sum((x.credit for x in lines), ZERO),
        ),
        ("entered debit", header.running_total_dr, sum((x.entered_debit for x in lines), ZERO)),
        ("entered credit", header.running_total_cr, sum((x.entered_credit for x in lines), ZERO)),
    ]
