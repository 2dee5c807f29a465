"""The story of suppliers: what planners revise, what clerks change, and every write that was made.

The pod's own table keeps the log: whoever writes a supplier, by whatever way, leaves a row of it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

FLOW = "supplier-revisions-fusion"
NUMBERS = tuple(str(number) for number in range(10005, 10012))
"""The suppliers planners look after."""
CLERK = "SIMULATED.CLERK"
"""Who changes suppliers on the pod's own pages; whoever else writes one is ours."""
MEMBERS = {
    "name": "Supplier", "number": "SupplierNumber", "alias": "Alias",
    "alternate_name": "AlternateName", "corporate_website": "CorporateWebsite",
    "customer_number": "CustomerNumber", "inactive_date": "InactiveDate",
    "duns_number": "DUNSNumber", "business_relationship": "BusinessRelationship",
    "tax_organisation_type": "TaxOrganizationType",
}  # fmt: skip
"""Attribute of the product to the column of the pod's table."""
HEADERS = {
    "Name": "Supplier", "Alias": "Alias", "Alternate Name": "AlternateName",
    "Corporate Website": "CorporateWebsite", "Customer Number": "CustomerNumber",
    "Inactive Date": "InactiveDate",
}  # fmt: skip
"""Header of the view to the column, for what planners may revise."""
FOREIGN = ("DUNSNumber", "MissionStatement", "PrincipalName", "YearEstablished")
"""What clerks keep and no flow owns."""
STAMPS = frozenset(
    {"LastUpdateDate", "LastUpdatedBy", "CreationDate", "CreatedBy", "CreationSourceCode"}
)
LOG = "simulated_supplier_log"
HALF = 50
"""Columns of one call of json_object, which takes a hundred and some arguments."""
ATTRIBUTES = [
    {"attribute": name, "column": header}
    for header, member in HEADERS.items()
    for name in (next(key for key, value in MEMBERS.items() if value == member),)
]
SETTINGS: dict[str, Any] = {
    "attributes": [*ATTRIBUTES, {"attribute": "duns_number", "column": "D-U-N-S", "owner": "erp"}],
    "creations": True,
    "creation_values": {
        "business_relationship": "PROSPECTIVE", "tax_organisation_type": "CORPORATION",
    },
    "approval": {"people": 1, "second_above": 3},
    "guards": {"missing_ratio_max": 1, "suppliers_max": 500},
}  # fmt: skip
VARIANTS: dict[str, dict[str, Any]] = {
    "suppliers": {"send": "single"},
    "suppliers batch": {"send": "batch", "unknown": "conflict"},
    "suppliers file": {"send": "file"},
}
"""Ways of sending, each a project of its own."""
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A row of the log: who left the supplier how."""

    number: int
    row: int
    who: str
    before: Row | None
    after: Row

    @property
    def changed(self) -> Row:
        """Members that are otherwise now; stamps left out."""
        old = self.before or {}
        return {
            name: value
            for name, value in self.after.items()
            if name not in STAMPS and value != old.get(name)
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """A plan as people were shown it when the last of them said yes."""

    plan: str
    at: int
    """The last row of the log by then."""
    needed: int
    revisions: tuple[Any, ...]


@dataclass(slots=True, kw_only=True)
class Desk:
    """What the story knows besides the books."""

    first: dict[int, Row] = field(default_factory=dict)
    """Every supplier as it stood before anything happened."""
    moves: list[tuple[int, str, str, str]] = field(default_factory=list)
    """(last row of the log, number or name, member, value) of each thing planners wrote."""
    agreed: list[Agreed] = field(default_factory=list)
    bad: dict[tuple[str, str], str] = field(default_factory=dict)
    """Number or name and header of values nobody will take, to the mended ones."""
    made: list[str] = field(default_factory=list)
    """Names of suppliers planners want made."""
    count: int = 0

    def draw(self, header: str) -> str:
        """A value nobody has used yet."""
        self.count += 1
        if header == "Inactive Date":
            return f"{2030 + self.count // 300}-{1 + self.count % 12:02}-{1 + self.count % 25:02}"
        return f"{header} {self.count}"


def prepare_suppliers(world: Any) -> None:
    """The list has a few suppliers as Fusion has them, and the log is begun."""
    desk = world.approved["desk"] = Desk()
    store = world.pods.fusion.store
    _begin_log(store)
    desk.first = read_suppliers(world)
    names = {row["SupplierNumber"]: row["Supplier"] for row in desk.first.values()}
    world.pods.ask(
        world.pods.anaplan, "add_suppliers",
        suppliers=[{"code": number, "name": names[number]} for number in NUMBERS],
    )  # fmt: skip


def find_desk(world: Any) -> Desk:
    """The story's own notes."""
    desk: Desk = world.approved["desk"]
    return desk


def read_suppliers(world: Any) -> dict[int, Row]:
    """Every row of the pod's table by its id."""
    store = world.pods.fusion.store
    names = _list_columns(store)
    listed = ", ".join(f'"{name}"' for name in names)
    rows = store.query(f"SELECT _id, {listed} FROM poz_suppliers")
    return {row[0]: dict(zip(names, row[1:], strict=True)) for row in rows}


def read_log(world: Any) -> list[Write]:
    """Every write so far, oldest first."""
    rows = world.pods.fusion.store.query(
        f"SELECT number, row, who, old1, old2, new1, new2 FROM {LOG} ORDER BY number"
    )
    return [
        Write(
            number=number, row=row, who=who,
            before=None if one is None else json.loads(one) | json.loads(two),
            after=json.loads(three) | json.loads(four),
        )
        for number, row, who, one, two, three, four in rows
    ]  # fmt: skip


def find_last(world: Any) -> int:
    """The number of the newest row of the log."""
    return int(world.pods.fusion.store.query(f"SELECT MAX(number) FROM {LOG}")[0][0] or 0)


def read_planned(world: Any) -> list[Row]:
    """The suppliers of the model, as planners see them."""
    rows: list[Row] = world.pods.ask(world.pods.anaplan, "read_suppliers")
    return rows


# --- what happens ---------------------------------------------------------------------------------


def revise(world: Any, _detail: int) -> None:
    """Planners write new values for some suppliers."""
    desk = find_desk(world)
    for _ in range(world.rng.choice((1, 2, 4, 6))):
        number = world.rng.choice(NUMBERS)
        header = world.rng.choice(sorted(HEADERS))
        write_plan(world, number, header, desk.draw(header))


def want_new(world: Any, _detail: int) -> None:
    """Planners want a supplier that Fusion does not have, with or without a number."""
    desk = find_desk(world)
    name, alias = desk.draw("New Supplier"), desk.draw("Alias")
    code = f"9{desk.count:05}" if world.rng.random() < 0.3 else ""
    one = {"name": name, "code": code, "values": {"Alias": alias}}
    world.pods.ask(world.pods.anaplan, "add_suppliers", suppliers=[one])
    desk.made.append(name)
    desk.moves.append((find_last(world), code or name, "Alias", alias))


def spoil_row(world: Any, _detail: int) -> None:
    """A planner writes what cannot be: a line break, or more signs than Fusion takes."""
    desk = find_desk(world)
    number = world.rng.choice(NUMBERS)
    value = world.rng.choice(("two\nlines", "too long " * 12))
    desk.bad[number, "Alias"] = desk.draw("Alias")
    _save_plan(world, number, "Alias", value)


def change_in_erp(world: Any, _detail: int) -> None:
    """A clerk changes one thing of a supplier on Fusion's own pages."""
    number = world.rng.choice(NUMBERS)
    member = world.rng.choice((*HEADERS.values(), *FOREIGN))
    value = find_desk(world).draw("Inactive Date" if member == "InactiveDate" else "Theirs")
    if member == "YearEstablished":
        value = str(1900 + find_desk(world).count % 100)
    _save_erp(world, number, member, value)


def agree_in_erp(world: Any, _detail: int) -> None:
    """A clerk enters the very value that planners have written."""
    moves = [move for move in find_desk(world).moves if move[1] in NUMBERS]
    if moves:
        _, number, member, value = world.rng.choice(moves)
        _save_erp(world, number, member, value)


def drift(world: Any, plan: str) -> None:
    """Of what is being decided upon a clerk changes something."""
    assert plan
    for _ in range(3):
        change_in_erp(world, 0)


def write_plan(world: Any, number: str, header: str, value: str) -> None:
    """The model shows the value, and the story knows."""
    desk = find_desk(world)
    desk.bad.pop((number, header), None)
    desk.moves.append((find_last(world), number, HEADERS[header], value))
    _save_plan(world, number, header, value)


def _save_plan(world: Any, key: str, header: str, value: str) -> None:
    kind = "code" if key[0].isdigit() else "name"
    one = {kind: key, "values": {header: value}}
    world.pods.ask(world.pods.anaplan, "revise_suppliers", suppliers=[one])


def _save_erp(world: Any, number: str, member: str, value: str) -> None:
    world.pods.ask(
        world.pods.fusion, "change_supplier", SupplierNumber=number, by=CLERK, **{member: value}
    )


SUPPLIER_EVENTS: dict[str, Callable[[Any, int], None]] = {
    "planners revise": revise,
    "new supplier": want_new,
    "bad row": spoil_row,
    "clerk changes": change_in_erp,
    "clerk agrees": agree_in_erp,
}


# --- peace ----------------------------------------------------------------------------------------


def mend_suppliers(world: Any, summary: Row) -> Row:
    """Planners mend bad values; of conflicts the model gives in, or a person takes its word.

    Returns what the next run is asked for.
    """
    desk = find_desk(world)
    for (number, header), value in list(desk.bad.items()):
        write_plan(world, number, header, value)
    headers = {one["attribute"]: one["column"] for one in ATTRIBUTES}
    conflicts = summary.get("conflicts_shown", ())
    taken = {n for n in sorted({one["number"] for one in conflicts}) if world.rng.random() < 0.5}
    for one in conflicts:
        if one["number"] not in taken and one["number"] in NUMBERS:
            write_plan(world, one["number"], headers[one["attribute"]], one["erp"])
    return {"take": sorted(taken)} if taken else {}


# --- the log --------------------------------------------------------------------------------------


def _list_columns(store: Any) -> list[str]:
    columns = [row[1] for row in store.query("PRAGMA table_info(poz_suppliers)")]
    return [name for name in columns if not name.startswith("_")]


def _begin_log(store: Any) -> None:
    store.execute(
        f"CREATE TABLE {LOG} (number INTEGER PRIMARY KEY AUTOINCREMENT, row INTEGER, who TEXT,"
        " old1 TEXT, old2 TEXT, new1 TEXT, new2 TEXT)"
    )
    names = _list_columns(store)
    new, old = (", ".join(_render_halves(names, side)) for side in ("NEW", "OLD"))
    for event, before in (("INSERT", "NULL, NULL"), ("UPDATE", old)):
        store.execute(
            f"CREATE TRIGGER {LOG}_{event} AFTER {event} ON poz_suppliers BEGIN"
            f" INSERT INTO {LOG} (row, who, old1, old2, new1, new2)"
            f' VALUES (NEW._id, NEW."LastUpdatedBy", {before}, {new}); END'
        )


def _render_halves(names: list[str], side: str) -> list[str]:
    halves = (names[:HALF], names[HALF:])
    return [
        "json_object(" + ", ".join(f"'{name}', {side}.\"{name}\"" for name in half) + ")"
        for half in halves
    ]


def note_agreed(world: Any, approval: Any, revisions: tuple[Any, ...]) -> None:
    """Enough people have agreed to these revisions, as they were shown them."""
    find_desk(world).agreed.append(
        Agreed(
            plan=approval.plan_hash, at=find_last(world), needed=approval.needed,
            revisions=revisions,
        )
    )  # fmt: skip
