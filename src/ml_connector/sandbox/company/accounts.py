"""The value sets of Halden Instruments: entities, accounts, cost centres and the rest.

Each table is one value a line, `value | type | description`, because people look values up
here. A type in lower case marks a summary value that takes no postings.
"""

from __future__ import annotations

from datetime import date

from ml_connector.sandbox.company.model import SegmentValue, ValueSet

END_OF_TIME = date(4712, 12, 31)
"""What the ERP writes when it means that a value never ends."""

_AMERICAS_ACCOUNTS = """
10000 | a | Assets
11010 | A | Operating cash
11020 | A | Payroll cash
11900 | A | Petty cash
12100 | A | Trade receivables
12900 | A | Allowance for doubtful accounts
13100 | A | Raw material
13200 | A | Finished goods
14100 | A | Prepaid expenses
15100 | A | Machinery and equipment
15200 | A | Office furniture
16100 | A | Accumulated depreciation, machinery
16200 | A | Accumulated depreciation, furniture
18100 | A | Intercompany receivable
20000 | l | Liabilities
22100 | L | Trade payables
22200 | L | Goods received, not invoiced
23100 | L | Accrued expenses
23200 | L | Accrued payroll
24100 | L | Sales tax payable
25100 | L | Deferred revenue
28100 | L | Intercompany payable
30000 | o | Owners' equity
31000 | O | Share capital
35000 | O | Retained earnings
40000 | r | Revenue
41010 | R | Instrument sales
41020 | R | Spare part sales
41030 | R | Service contracts
41040 | R | Calibration services
41900 | R | Sales discounts
49010 | R | Other income
50000 | e | Cost of sales
51010 | E | Material cost
51020 | E | Assembly labour
51030 | E | Inbound freight
60000 | e | Operating expenses
61010 | E | Salaries
61020 | E | Social security
61030 | E | Bonuses
62010 | E | Travel, domestic
62020 | E | Travel, abroad
63010 | E | Rent
63020 | E | Utilities
64010 | E | Software licences
64020 | E | Cloud services
65010 | E | Legal fees
65020 | E | Audit fees
66010 | E | Depreciation, machinery
66020 | E | Depreciation, furniture
67010 | E | Advertising
67020 | E | Trade fairs
68010 | E | Office supplies
68020 | E | Postage and courier
68030 | E | Repairs
68040 | E | Insurance
68050 | E | Training
68060 | E | Telephone (until 2025)
68070 | E | Fax (not used any more)
69010 | E | Exchange differences
69020 | E | Rounding
90000 | e | Statistical accounts
91010 | E | Headcount
91020 | E | Floor space
99990 | E | Statistical contra
"""

_GLOBAL_ACCOUNTS = """
100000 | a | Assets
110100 | A | Cash at bank
112000 | A | Trade receivables
114000 | A | Prepaid expenses
115000 | A | Plant and equipment
116000 | A | Accumulated depreciation
200000 | l | Liabilities
221000 | L | Trade payables
231000 | L | Accrued expenses
241000 | L | Consumption tax payable
300000 | o | Equity
310000 | O | Share capital
350000 | O | Retained earnings
400000 | r | Revenue
410100 | R | Instrument sales
410200 | R | Service revenue
410300 | R | Spare part sales
500000 | e | Expenses
510100 | E | Material cost
510200 | E | Inbound freight
520100 | E | Salaries
520200 | E | Welfare
530100 | E | Travel
530200 | E | Entertainment (交際費)
540100 | E | Rent
540200 | E | Utilities
550100 | E | Software
550200 | E | Fees, legal and audit
560100 | E | Depreciation
570100 | E | Advertising
580100 | E | Office supplies
580200 | E | Courier
580300 | E | Repairs
690100 | E | Exchange differences
690200 | E | Rounding
910100 | E | Headcount
999900 | E | Statistical contra
"""

_COMPANIES = """
101 |  | Halden Instruments Inc
102 |  | Halden Service Corp
103 |  | Halden West LLC
199 |  | Eliminations, Americas
201 |  | Halden Instruments Canada Ltd
202 |  | Instruments Halden Québec inc.
"""

_COST_CENTRES = """
000 |  | Unspecified
100 | t | Operations
110 |  | Assembly
120 |  | Warehouse
130 |  | Quality
140 |  | Purchasing
200 | t | Sales
210 |  | Sales East
220 |  | Sales West
230 |  | Sales Canada
240 |  | Service desk
300 | t | Administration
310 |  | Finance
320 |  | Human resources
330 |  | Information technology
340 |  | Legal
410 |  | Research
420 |  | Product development
"""

_LINES_OF_BUSINESS = """
00 |  | Unspecified
10 |  | Instruments
20 |  | Service
30 |  | Parts
"""

_PRODUCTS = """
000 |  | Unspecified
100 |  | Pressure gauges
200 |  | Flow meters
300 |  | Thermometers
"""

_GLOBAL_ENTITIES = """
J01 |  | Halden Japan KK (ハルデン)
J02 |  | Halden Osaka KK
K01 |  | Halden Kuwait WLL
K02 |  | Halden Gulf Trading WLL
"""

_GLOBAL_DEPARTMENTS = """
0000 |  | Unspecified
1000 | t | Sales
1100 |  | Domestic sales
1200 |  | Export sales
2000 | t | Operations
2100 |  | Logistics
2200 |  | Assembly
2300 |  | Quality
3000 | t | Administration
3100 |  | Finance
3200 |  | Personnel
"""

_SUBACCOUNTS = """
0000 |  | Unspecified
0100 |  | Group
0200 |  | Third party
"""

_DISABLED = frozenset({"68070", "340", "0200"})
_ENDED = {"68060": date(2025, 12, 31), "2300": date(2025, 6, 30)}
_NEVER_ENDING = frozenset({"68010", "22100", "510200", "120", "101"})


def _value(line: str) -> SegmentValue:
    value, kind, description = (part.strip() for part in line.split("|", 2))
    return SegmentValue(
        value=value,
        description=description,
        account_type=kind.upper() if kind.upper() in set("ALORE") else None,
        summary=kind.islower(),
        enabled=value not in _DISABLED,
        starts_on=date(2020, 1, 1) if value in _ENDED else None,
        ends_on=END_OF_TIME if value in _NEVER_ENDING else _ENDED.get(value),
    )


def _values(table: str) -> tuple[SegmentValue, ...]:
    return tuple(_value(line) for line in table.strip().splitlines())


def _value_set(code: str, description: str, table: str) -> ValueSet:
    values = _values(table)
    length_max = max(len(value.value) for value in values)
    return ValueSet(code=code, description=description, length_max=length_max, values=values)


VALUE_SETS: tuple[ValueSet, ...] = (
    _value_set("Halden Company", "Companies, Americas", _COMPANIES),
    _value_set("Halden Line of Business", "Lines of business", _LINES_OF_BUSINESS),
    _value_set("Halden Account", "Natural accounts, Americas", _AMERICAS_ACCOUNTS),
    _value_set("Halden Cost Centre", "Cost centres, Americas", _COST_CENTRES),
    _value_set("Halden Product", "Products", _PRODUCTS),
    ValueSet(
        code="Halden Future",
        description="Kept for later use",
        length_max=3,
        values=_values("000 |  | Unspecified"),
        protected=True,
    ),
    _value_set("Halden Global Entity", "Entities outside the Americas", _GLOBAL_ENTITIES),
    _value_set("Halden Global Department", "Departments", _GLOBAL_DEPARTMENTS),
    _value_set("Halden Global Account", "Natural accounts, global", _GLOBAL_ACCOUNTS),
    _value_set("Halden Global Subaccount", "Subaccounts", _SUBACCOUNTS),
    ValueSet(
        code="Halden Supplier Sites",
        description="Validated against a table; it holds no values of its own",
        length_max=30,
        values=(),
        validation="TABLE",
    ),
)
"""Every value set, in the order in which it was set up."""


def find_value_set(code: str) -> ValueSet | None:
    """Return the value set with this code, or None."""
    return next((value_set for value_set in VALUE_SETS if value_set.code == code), None)


def account_types(value_set_code: str) -> dict[str, str]:
    """Return the account type of each postable value of a value set of accounts."""
    value_set = find_value_set(value_set_code)
    values = value_set.values if value_set else ()
    return {v.value: v.account_type for v in values if v.account_type and not v.summary}
