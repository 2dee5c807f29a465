"""What the model must hold, worked out from the sandbox's own tables by other means.

Nothing of the product's domain is used: a few lines of SQL and Decimal, for the rules of the
sandbox's project (each code is its own member, liabilities, equity and revenue flipped).
"""

import sqlite3
from collections import defaultdict
from contextlib import closing
from decimal import Decimal
from pathlib import Path

LEDGERS = ("Halden US", "Halden Japan")
PLACES = {".": (0, 2, 3), "-": (0, 2, 1)}
"""Delimiter of a chart to the places of entity, account and cost centre."""
FLIPPED = frozenset("LOR")
LINES = """
SELECT b.JeBatchId, h.LedgerName, h.PeriodName, h.LedgerCurrencyCode, l.AccountCombination,
       c.AccountType, l.AccountedDr, l.AccountedCr
FROM je_lines l JOIN je_headers h ON h._id = l._parent JOIN je_batches b ON b._id = h._parent
LEFT JOIN combinations c ON c.text = l.AccountCombination AND c.chart = b.ChartOfAccountsName
WHERE b.Status = 'P' AND b.ActualFlag = 'A' AND h.CurrencyCode <> 'STAT'
  AND h.PeriodName IN ('Oct-26', 'Nov-26')
"""
Cell = tuple[str, ...]
"""Entity, account, cost centre, currency, month; or what else a story counts by, month last."""
Cells = dict[Cell, Decimal]


def sum_books(folder: Path, *, without: int = 0) -> Cells:
    """The cells that the posted lines of the ledgers in scope come to; zeros left out.

    Lines of the batch `without` are passed over.
    """
    found: defaultdict[Cell, Decimal] = defaultdict(Decimal)
    with closing(sqlite3.connect(folder / "fusion.sqlite")) as books:
        for batch, ledger, period, currency, text, kind, debit, credit in books.execute(LINES):
            if ledger not in LEDGERS or batch == without:
                continue
            month, _, year = period.partition("-")
            delimiter = "." if "." in text else "-"
            parts = text.split(delimiter)
            entity, account, centre = (parts[place] for place in PLACES[delimiter])
            amount = Decimal(debit or "0") - Decimal(credit or "0")
            key = (entity, account, centre, currency, f"{month} {year}")
            found[key] += -amount if kind in FLIPPED else amount
    return {key: amount for key, amount in found.items() if amount}
