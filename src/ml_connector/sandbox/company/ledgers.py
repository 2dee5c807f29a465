"""The charts, ledgers, entities and account groups of Halden Instruments."""

from __future__ import annotations

from ml_connector.sandbox.company.calendars import HALDEN_APRIL, HALDEN_CALENDAR
from ml_connector.sandbox.company.model import Chart, Entity, Ledger, LedgerSet, Segment

AMERICAS = Chart(
    number=5237,
    instance_id=300000001234501,
    code="HALDEN_AMERICAS",
    name="Halden Americas Chart",
    description="Six segments, full stop between them",
    delimiter=".",
    segments=(
        Segment(name="company", title="Company", value_set="Halden Company"),
        Segment(name="lob", title="Line of business", value_set="Halden Line of Business"),
        Segment(name="account", title="Account", value_set="Halden Account"),
        Segment(name="costCentre", title="Cost centre", value_set="Halden Cost Centre"),
        Segment(name="product", title="Product", value_set="Halden Product"),
        Segment(name="future", title="Future", value_set="Halden Future"),
    ),
    entity_segment="company",
    cost_centre_segment="costCentre",
)
GLOBAL = Chart(
    number=5241,
    instance_id=300000001234577,
    code="HALDEN_GLOBAL",
    name="Halden Global Chart",
    description="Four segments, hyphen between them",
    delimiter="-",
    segments=(
        Segment(name="entity", title="Entity", value_set="Halden Global Entity"),
        Segment(name="department", title="Department", value_set="Halden Global Department"),
        Segment(name="account", title="Account", value_set="Halden Global Account"),
        Segment(name="subAccount", title="Subaccount", value_set="Halden Global Subaccount"),
    ),
    entity_segment="entity",
    cost_centre_segment="department",
)
CHARTS = (AMERICAS, GLOBAL)
"""Every chart of accounts of the company."""

_US_ENTITIES = (
    Entity(value="101", legal_entity="Halden Instruments Inc"),
    Entity(value="102", legal_entity="Halden Service Corp"),
    Entity(value="103", legal_entity="Halden West LLC"),
)

HALDEN_US = Ledger(
    ledger_id=300000002498206,
    name="Halden US",
    description="Books of the United States",
    currency="USD",
    decimals=2,
    chart=AMERICAS,
    calendar=HALDEN_CALENDAR,
    entities=_US_ENTITIES,
    retained_earnings="{}.00.35000.000.000.000",
)
HALDEN_CANADA = Ledger(
    ledger_id=300000002498311,
    name="Halden Canada",
    description="Books of Canada",
    currency="CAD",
    decimals=2,
    chart=AMERICAS,
    calendar=HALDEN_CALENDAR,
    entities=(
        Entity(value="201", legal_entity="Halden Instruments Canada Ltd"),
        Entity(value="202", legal_entity="Instruments Halden Québec inc."),
    ),
    retained_earnings="{}.00.35000.000.000.000",
)
HALDEN_JAPAN = Ledger(
    ledger_id=300000002498417,
    name="Halden Japan",
    description="Books of Japan",
    currency="JPY",
    decimals=0,
    chart=GLOBAL,
    calendar=HALDEN_APRIL,
    entities=(
        Entity(value="J01", legal_entity="Halden Japan KK"),
        Entity(value="J02", legal_entity="Halden Osaka KK"),
    ),
    retained_earnings="{}-0000-350000-0000",
)
HALDEN_KUWAIT = Ledger(
    ledger_id=300000002498523,
    name="Halden Kuwait",
    description="Books of Kuwait",
    currency="KWD",
    decimals=3,
    chart=GLOBAL,
    calendar=HALDEN_CALENDAR,
    entities=(
        Entity(value="K01", legal_entity="Halden Kuwait WLL"),
        Entity(value="K02", legal_entity="Halden Gulf Trading WLL"),
    ),
    retained_earnings="{}-0000-350000-0000",
)
HALDEN_US_REPORTING = Ledger(
    ledger_id=300000002498629,
    name="Halden US Reporting",
    description="Euro copy of the United States books, from January 2026 on",
    currency="EUR",
    decimals=2,
    chart=AMERICAS,
    calendar=HALDEN_CALENDAR,
    category="SECONDARY",
    parent="Halden US",
    entities=_US_ENTITIES,
    retained_earnings="{}.00.35000.000.000.000",
)
LEDGERS = (HALDEN_US, HALDEN_CANADA, HALDEN_JAPAN, HALDEN_KUWAIT, HALDEN_US_REPORTING)
"""Every ledger; the primary ones first."""

LEDGERS_BY_NAME = {ledger.name: ledger for ledger in LEDGERS}
"""The same ledgers under their names."""

AMERICAS_SET = LedgerSet(
    ledger_id=300000002498735,
    name="Halden Americas Ledgers",
    description="United States and Canada together",
    chart=AMERICAS,
    calendar=HALDEN_CALENDAR,
    ledger_names=("Halden US", "Halden Canada"),
)

ACCOUNT_GROUPS: dict[str, dict[str, str]] = {
    "Halden Operating Expenses": {
        "Office supplies": "%.%.68010.%.%.%",
        "Rent": "%.%.63010.%.%.%",
        "Salaries": "%.%.61010.%.%.%",
    },
}
"""Account groups: name of the group, name of the account in it, what it covers."""
