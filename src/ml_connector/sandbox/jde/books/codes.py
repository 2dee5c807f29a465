"""User defined codes and ledger types."""

from __future__ import annotations

from dataclasses import dataclass

LEDGER_TYPES = (
    ("AA", "Actual Amounts", "Y", "", "Y", "AU"),
    ("AC", "Alternate Currency Actual", "Y", "Y", "Y", ""),
    ("AU", "Actual Units", "N", "", "", ""),
    ("AZ", "Cash Basis Accounting", "Y", "", "Y", ""),
    ("BA", "Budget Amount", "N", "", "", "BU"),
    ("BF", "Forecast Amount", "N", "", "", ""),
    ("BU", "Budget Units", "N", "", "", ""),
    ("B1", "Revised Budget 1", "N", "", "", ""),
    ("CA", "Foreign Currency Actual", "Y", "Y", "Y", ""),
    ("JA", "Job Cost Budget Amount", "N", "", "", "JU"),
    ("JU", "Job Cost Budget Units", "N", "", "", ""),
    ("PA", "Purchase Commitments", "N", "Y", "Y", ""),
    ("XA", "Alternate Ledger Actual", "Y", "Y", "Y", ""),
)
"""Code, name, FLRB (balance required), FCJE, FDBU (no journals, no updates), units ledger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeType:
    """One type of user defined codes, with its values."""

    system: str
    type: str
    name: str
    length: int
    values: tuple[tuple[str, str], ...]


def _code_type(heading: str, values: str) -> CodeType:
    system, type_, length, name = heading.split(" ", 3)
    pairs = (part.split(" ", 1) for part in values.split("|"))
    return CodeType(
        system=system,
        type=type_,
        name=name,
        length=int(length),
        values=tuple((key.strip("."), text) for key, text in pairs),
    )


CODE_TYPES: tuple[CodeType, ...] = (
    _code_type("00 01 3 Business Unit Region", "NOR North|SOU South|CAN Canada|JPN Japan|GCC Gulf"),
    _code_type(
        "00 02 3 Business Unit Division",
        "COR Corporate|SAL Sales|MFG Manufacturing|SVC Services|RND Research and Development",
    ),
    _code_type("00 MC 2 Business Unit Type", "BS Balance Sheet|IS Income Statement|JB Job"),
    _code_type(
        "00 DT 2 Document Type",
        "JE Journal Entry|PV Voucher|RI Invoice|RC Receipt|AE Automatic Entry|BX Budget Entry",
    ),
    _code_type(
        "98 IT 2 Batch Type", "G General Journal|V Voucher|IB Invoice|RB Receipt|X Depreciation"
    ),
    _code_type(
        "98 IC 1 Batch Status",
        ". Pending|A Approved|D Posted|E Error|P Posting|U In use",
    ),
    _code_type("09 LT 2 Ledger Type", "|".join(f"{row[0]} {row[1]}" for row in LEDGER_TYPES)),
    _code_type(
        "09 01 3 Account Line",
        "CSH Cash|REC Receivables|INV Inventories|PPD Prepayments|FIX Fixed assets"
        "|DEP Accumulated depreciation|MEM Memorandum|PAY Payables|ACR Accruals|TAX Taxes"
        "|ICO Intercompany|LOA Loans|EQU Equity|REV Revenue|COS Cost of sales|PER Personnel"
        "|OFF Office and technology|OCC Occupancy|PRO Professional fees|MKT Marketing"
        "|TRV Travel|DPN Depreciation|FIN Financial result|CTG Contingency|STA Statistics",
    ),
    _code_type(
        "09 02 3 Planning Class",
        "BAL Balance sheet|REV Revenue|VAR Variable cost|FXD Fixed cost|STA Statistics",
    ),
    _code_type(
        "09 PE 1 Posting Edit Code",
        ". All|B Budget only|I Inactive|L Subledger required|M Machine|N Non-posting|U Units",
    ),
)
