"""Three ways: what the model holds, what the ERP holds, what both held when they last agreed.

Only suppliers the model has moved are looked up in the ERP, one by one when they are few and in one
sweep when they are many; what is to be written is always decided upon a look of its own, which also
gives the version the change is bound to.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

from ml_connector.domain.revisions import Agreed, Fate, find_fate
from ml_connector.flows.bench import SupplierBench, cut, read_document, store_document
from ml_connector.flows.revising.changes import Revision
from ml_connector.ports import Agreement, Json, SupplierMissingError, SupplierRow
from ml_connector.settings import ATTRIBUTE_KINDS

LOOKS_MAX = 100
"""Suppliers that are looked up one by one; more are found by one sweep over all."""
CODES_ONCE = 1_000
"""Agreements asked for at once."""
UNTOUCHED = MappingProxyType({"flag": "N", "amount": "0"})
"""What a model shows of an attribute nobody filled, by kind: it has no empty cells of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a comparison is asked for besides what the flow says.

    Attributes:
        run_id: Of the run.
        take: Numbers of suppliers whose conflicts a person has decided in favour of the model.
        waiting: Subjects of earlier postings that are not settled; their suppliers are left out.
        keeps: Whether what is seen to agree is remembered; a mere look remembers nothing.
        view: The documents of all rows of the view, whether the model moved them or not.
    """

    run_id: str
    take: frozenset[str] = frozenset()
    waiting: frozenset[str] = frozenset()
    keeps: bool = True
    view: tuple[str, ...] = ()


@dataclass(slots=True)
class Findings:
    """What a comparison found of the suppliers of a chunk."""

    revisions: list[Json] = field(default_factory=list)
    conflicts: list[Json] = field(default_factory=list)
    faults: list[Json] = field(default_factory=list)
    agreements: list[Agreement] = field(default_factory=list)
    same: int = 0
    waiting: int = 0
    owned: int = 0
    """Differences in attributes the ERP owns, which nobody writes."""


# --- which suppliers the model has moved ----------------------------------------------------------


def find_moved(bench: SupplierBench, chunks: list[str]) -> Json:
    """The rows that must be looked up, in chunks again, and how many the model did not move."""
    moved, kept = [], 0
    for chunk in chunks:
        rows = read_document(bench.archive, chunk)
        agreements = _load_agreements(bench, rows)
        due = [row for row in rows if _is_moved(bench, row, agreements.get(row["number"]))]
        kept += len(rows) - len(due)
        if due:
            moved.append(store_document(bench.archive, due))
    return {"chunks": moved, "kept": kept}


def _load_agreements(bench: SupplierBench, rows: Iterable[Json]) -> dict[str, Agreement]:
    codes = [row["number"] for row in rows if row["number"]]
    found: dict[str, Agreement] = {}
    for some in cut(codes, CODES_ONCE):
        found |= bench.records.agreements.load_agreements(bench.flow.name, some)
    return found


def _is_moved(bench: SupplierBench, row: Json, agreement: Agreement | None) -> bool:
    held = agreement.model if agreement else {}
    owned = _owned_by_model(bench)
    if any(name not in held for name in _find_unknown_blanks(bench, row)):
        return True
    return any(
        name not in held or held[name] != value
        for name, value in row["values"].items()
        if name in owned
    )


def _find_unknown_blanks(bench: SupplierBench, row: Json) -> set[str]:
    """Attributes nobody has revised yet, of which the ERP's value shall be known beforehand.

    Else the first revision of each would meet a value of which nobody knows since when it stands.
    """
    if bench.flow.unknown == "model":
        return set()
    return set(row["blank"]) & _owned_by_model(bench)


def _owned_by_model(bench: SupplierBench) -> frozenset[str]:
    return frozenset(one.attribute for one in bench.flow.attributes if one.owner == "model")


# --- what the ERP holds of them -------------------------------------------------------------------


def sweep(bench: SupplierBench, chunks: list[str]) -> Json:
    """What the ERP holds of the moved suppliers, a document for each chunk; none when few moved.

    Versions are left out on purpose: what is written is looked at once more.
    """
    rows = {chunk: read_document(bench.archive, chunk) for chunk in chunks}
    wanted = {row["number"] for its in rows.values() for row in its if row["number"]}
    if len(wanted) <= LOOKS_MAX:
        return {"swept": {}}
    names = {"name", *(one.attribute for one in bench.flow.attributes)}
    held: dict[str, Json] = {}
    for supplier in bench.suppliers.read_suppliers():
        if supplier.number in wanted:
            held[supplier.number] = {
                "remote_id": supplier.remote_id,
                "attributes": {k: v for k, v in supplier.attributes.items() if k in names},
                "hidden": sorted(supplier.hidden & names),
            }
    return {
        "swept": {
            chunk: store_document(
                bench.archive,
                {row["number"]: held[row["number"]] for row in its if row["number"] in held},
            )
            for chunk, its in rows.items()
        }
    }


def compare_chunk(bench: SupplierBench, chunk: str, swept: str, asked: Asked) -> Json:
    """The revisions, conflicts and faults of a chunk's suppliers, archived; counts of the rest."""
    findings = Findings()
    rows = read_document(bench.archive, chunk)
    agreements = _load_agreements(bench, rows)
    held = read_document(bench.archive, swept) if swept else None
    numbers = _list_numbers(bench, asked.view) if _has_nameless(rows) else frozenset()
    for row in rows:
        at = _Row(bench=bench, asked=asked, row=row, findings=findings, numbers=numbers)
        _compare_row(at, agreements, held)
    if asked.keeps:
        bench.records.agreements.save_agreements(bench.flow.name, findings.agreements)
    return {
        "revisions": store_document(bench.archive, findings.revisions),
        "changes": sum(bool(one["remote_id"]) for one in findings.revisions),
        "creations": sum(not one["remote_id"] for one in findings.revisions),
        "conflicts": store_document(bench.archive, findings.conflicts),
        "conflicting": len({one["number"] for one in findings.conflicts}),
        "faults": store_document(bench.archive, findings.faults),
        "faulty": len(findings.faults),
        "same": findings.same,
        "waiting": findings.waiting,
        "owned": findings.owned,
    }


def _has_nameless(rows: Iterable[Json]) -> bool:
    return any(not row["number"] for row in rows)


def _list_numbers(bench: SupplierBench, view: Iterable[str]) -> frozenset[str]:
    """Numbers that have a row of their own in the view."""
    return frozenset(row["number"] for chunk in view for row in read_document(bench.archive, chunk))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One row of the view on its way through the comparison."""

    bench: SupplierBench
    asked: Asked
    row: Json
    findings: Findings
    numbers: frozenset[str]
    """Numbers of other rows, where this one has none."""

    @property
    def values(self) -> Mapping[str, str]:
        """The model's values by attribute."""
        return dict(self.row["values"])

    def fault(self, text: str) -> None:
        """The row is set aside by name."""
        number = self.row["number"] or self.values.get("name", "")
        self.findings.faults.append({"row": self.row["row"], "number": number, "fault": text})


def _compare_row(
    at: _Row, agreements: Mapping[str, Agreement], held: Mapping[str, Any] | None
) -> None:
    number = at.row["number"]
    if not number:
        _compare_nameless(at)
        return
    subjects = {f"supplier {number}", f"new supplier {at.values.get('name', '')}"}
    if subjects & at.asked.waiting:
        at.findings.waiting += 1
        return
    agreement = agreements.get(number)
    if held is not None and number in held:
        seen = SupplierRow(
            number=number, remote_id=held[number]["remote_id"], version="",
            attributes=held[number]["attributes"], hidden=frozenset(held[number]["hidden"]),
        )  # fmt: skip
        if not _find_writing(at, seen, agreement):
            _judge(at, seen, agreement)
            return
    try:
        supplier = at.bench.suppliers.read_supplier(number)
    except SupplierMissingError as error:
        _compare_unknown(at, error)
        return
    _judge(at, supplier, agreement)


def _compare_unknown(at: _Row, error: SupplierMissingError) -> None:
    """The ERP does not show the number: a new supplier, or a fault."""
    found = at.bench.suppliers.find_supplier(
        number=at.row["number"], name=at.values.get("name", "")
    ).rows
    if found:
        named = ", ".join(f"{row.number} {row.attributes.get('name', '')}" for row in found)
        at.fault(f"{error.refused} It shows: {named}.")
    else:
        _create(at, error.refused)


def _compare_nameless(at: _Row) -> None:
    """A row without a number is looked for by its name: an earlier run may have made it."""
    name = at.values["name"]
    if f"new supplier {name}" in at.asked.waiting:
        at.findings.waiting += 1
        return
    found = at.bench.suppliers.find_supplier(name=name).rows
    if len(found) > 1:
        numbers = ", ".join(row.number for row in found)
        at.fault(f"the ERP has {len(found)} suppliers of the name: {numbers}; give the number")
    elif found:
        _compare_known(at, found[0])
    else:
        _create(at, "the ERP has no supplier of the name")


def _compare_known(at: _Row, supplier: SupplierRow) -> None:
    """A row without a number is about this supplier; beside a row with the number it moves nothing.

    So stands the row a supplier was made from, once the list has brought it back with its number.
    """
    number = supplier.number
    agreements = at.bench.records.agreements.load_agreements(at.bench.flow.name, [number])
    fates = _find_fates(at, supplier, agreements.get(number)).values()
    if f"supplier {number}" in at.asked.waiting:
        at.findings.waiting += 1
    elif number not in at.numbers:
        _judge(at, supplier, agreements.get(number))
    elif all(fate in (Fate.SAME, Fate.KEPT) for fate, _ in fates):
        at.findings.same += 1
    else:
        at.fault(f"the ERP has the supplier as {number}, and {number} has a row of its own")


def _create(at: _Row, why: str) -> None:
    flow = at.bench.flow
    owned = _owned_by_model(at.bench)
    after = {name: value for name, value in at.values.items() if name in owned and value}
    if not flow.creations:
        at.fault(f"{why}; the flow makes no suppliers (`creations`)")
        return
    if not after.get("name"):
        at.fault(f"{why}; a new one needs a name")
        return
    number = {"number": at.row["number"]} if at.row["number"] else {}
    revision = Revision(
        number=at.row["number"], name=after["name"],
        after=flow.creation_values | after | number, model=after,
    )  # fmt: skip
    at.findings.revisions.append(asdict(revision))


# --- what becomes of it ---------------------------------------------------------------------------


def _find_fates(
    at: _Row, supplier: SupplierRow, agreement: Agreement | None
) -> dict[str, tuple[Fate, Agreed | None]]:
    fates = {}
    for name, value in at.values.items():
        if name not in _owned_by_model(at.bench) or name in supplier.hidden:
            continue
        agreed = None
        if agreement is not None and name in agreement.model:
            agreed = Agreed(agreement.model[name], _read_as_model(name, agreement.erp[name]))
        erp = _read_as_model(name, supplier.attributes.get(name, ""))
        fate = find_fate(model=value, erp=erp, agreed=agreed)
        is_decided = supplier.number in at.asked.take
        if fate is Fate.UNDECIDED and (is_decided or at.bench.flow.unknown == "model"):
            fate = Fate.WRITTEN
        if fate is Fate.CONFLICT and is_decided:
            fate = Fate.WRITTEN
        fates[name] = fate, agreed
    return fates


def _read_as_model(name: str, value: str) -> str:
    """The ERP's value as a model can show it: no flag and no amount is empty there."""
    return value or UNTOUCHED.get(ATTRIBUTE_KINDS[name], "")


def _find_writing(at: _Row, supplier: SupplierRow, agreement: Agreement | None) -> bool:
    fates = _find_fates(at, supplier, agreement).values()
    return any(fate is Fate.WRITTEN for fate, _ in fates)


def _judge(at: _Row, supplier: SupplierRow, agreement: Agreement | None) -> None:
    """The supplier's revision, conflicts and what agrees are among the findings."""
    fates = _find_fates(at, supplier, agreement)
    held = supplier.attributes
    at.findings.owned += sum(
        value != _read_as_model(name, held.get(name, ""))
        for name, value in at.values.items()
        if name not in _owned_by_model(at.bench) and name not in supplier.hidden
    )
    at.findings.conflicts += [
        {
            "number": supplier.number, "name": held.get("name", ""), "attribute": name,
            "model": at.values[name], "erp": held.get(name, ""),
            "agreed": agreed.erp if agreed else None,
        }
        for name, (fate, agreed) in fates.items()
        if fate in (Fate.CONFLICT, Fate.UNDECIDED)
    ]  # fmt: skip
    same = {name: at.values[name] for name, (fate, _) in fates.items() if fate is Fate.SAME}
    known = agreement.model if agreement else {}
    blanks = _find_unknown_blanks(at.bench, at.row) - supplier.hidden - known.keys()
    if same or blanks:
        at.findings.agreements.append(
            Agreement(
                code=supplier.number,
                model=same | dict.fromkeys(blanks, ""),
                erp=same | {name: held.get(name, "") for name in blanks},
                run_id=at.asked.run_id,
            )
        )
    written = [name for name, (fate, _) in fates.items() if fate is Fate.WRITTEN]
    if written:
        after = {name: at.values[name] for name in written}
        revision = Revision(
            number=supplier.number, name=held.get("name", ""), remote_id=supplier.remote_id,
            version=supplier.version, before={name: held.get(name, "") for name in written},
            after=after, model=after,
        )  # fmt: skip
        at.findings.revisions.append(asdict(revision))
    elif all(fate is Fate.SAME for fate, _ in fates.values()):
        at.findings.same += 1
