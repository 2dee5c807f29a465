"""Suppliers are read, looked for, changed and made; every write leaves once.

A change names the version it was decided upon, and the pod refuses it when there is a newer one.
A creation has no such guard, so it is for the caller to look first. Refusals of the log-in come
before anything is executed, and only those are followed by a second sending.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from ml_connector.errors import ConnectorError
from ml_connector.ports.suppliers import (
    SupplierChange,
    SupplierFound,
    SupplierReceipt,
    SupplierRow,
)
from ml_connector.systems.calls import NOT_FOUND, WRITE_TIMEOUTS, RemoteCall, RemoteReply
from ml_connector.systems.fusion import supplier_refusals as refusals
from ml_connector.systems.fusion import supplier_wire, wire
from ml_connector.systems.fusion.client import FusionClient
from ml_connector.systems.fusion.paging import read_by_offset
from ml_connector.systems.fusion.supplier_wire import SupplierItem
from ml_connector.systems.http import RemoteRefusedError

BATCH_PARTS_MAX: Final = 50
"""No maximum is documented; the pod's own time-outs are what a larger one runs into (F-34)."""
FOUND_MAX: Final = 100
"""Suppliers of one number or name that are looked at one by one."""
PAGE_ROWS: Final = 25
ANSWER_BYTES_MAX: Final = 64 * 1024 * 1024


class SupplierWriter:
    """Writes suppliers of one pod; safe to share between threads."""

    def __init__(self, client: FusionClient) -> None:
        self._client = client
        self._system = client.system
        self._path = f"{client.root}/{wire.SUPPLIERS}"

    def read_suppliers(self) -> Iterator[SupplierRow]:
        """Yield every supplier in one sweep; what is listed may come without a version."""
        for item in self._client.sweep_suppliers(SupplierItem):
            yield _build_row(item, None)

    def read_supplier(self, number: str) -> SupplierRow:
        """The supplier as it stands now.

        Raises:
            SupplierMissingError: None is shown, or several bear the number.
        """
        items = self._find_items(wire.render_number_query(number))
        ids = [each.supplier_id for each in items if (each.supplier_number or "").strip() == number]
        if len(ids) != 1:
            fault = f"{len(ids) or 'no'} suppliers with the number"
            raise refusals.render_missing(self._system, number, fault)
        row = self._find_row(ids[0])
        if row is None:
            raise refusals.render_missing(self._system, number, "no supplier with the number")
        return row

    def find_supplier(self, *, number: str = "", name: str = "") -> SupplierFound:
        """Every supplier with the number or the name, whatever the name's capitals."""
        ids = {
            each.supplier_id
            for each in (self._find_items(wire.render_number_query(number)) if number else [])
            if (each.supplier_number or "").strip() == number
        }
        ids |= self._find_named(name) if name.strip() else set()
        rows = (self._find_row(each) for each in sorted(ids)[:FOUND_MAX])
        return SupplierFound(rows=tuple(row for row in rows if row is not None))

    def submit_change(self, change: SupplierChange) -> SupplierReceipt:
        """The attributes are as the change has them, if nobody else changed the supplier.

        Raises:
            SupplierChangedError: Somebody did; nothing was written.
            SupplierMissingError: It is not there any more.
            RefusedError: The pod says why it changed nothing, or it was not sent at all.
            OutcomeUnknownError: No answer, or one that does not tell.
        """
        _verify_changes([change])
        reply = self._write(
            "PATCH",
            f"{self._path}/{change.remote_id}",
            content=supplier_wire.render_item(change.attributes, is_creation=False),
            headers={"Content-Type": supplier_wire.ITEM_TYPE, "If-Match": f'"{change.version}"'},
        )
        if not reply.is_success:
            raise refusals.find_change_refusal(reply, change)
        item = reply.parse_json(SupplierItem)
        return self._build_receipt(item, change, reply=reply)

    def submit_creation(self, attributes: Mapping[str, str]) -> SupplierReceipt:
        """There is one supplier more.

        Raises:
            RefusedError: The pod says why it made none, or it was not sent at all.
            OutcomeUnknownError: No answer, or one that does not tell.
        """
        subject = f"the creation of supplier {attributes.get('name', '')!r}"
        faults = supplier_wire.list_faults(attributes, is_creation=True)
        if not attributes.get("name", "").strip():
            faults.append("name: a supplier cannot be without one")
        if faults:
            raise refusals.render_unfit(subject, faults)
        reply = self._write(
            "POST",
            self._path,
            content=supplier_wire.render_item(attributes, is_creation=True),
            headers={"Content-Type": supplier_wire.ITEM_TYPE},
        )
        if not reply.is_success:
            raise refusals.render_refused(reply, subject, hidden=_list_secrets(attributes))
        row = _build_row(reply.parse_json(SupplierItem), reply)
        if not row.number:
            raise refusals.render_unclear(self._system, subject, "the answer names no number")
        return SupplierReceipt(row=row, unlike=supplier_wire.list_unlike(row, attributes))

    def submit_batch(self, changes: Sequence[SupplierChange]) -> tuple[SupplierReceipt, ...]:
        """All the changes are made in one transaction, or none is.

        Raises:
            SupplierChangedError: Somebody else changed one of them; nothing was written.
            RefusedError: The pod says why it made none, or nothing was sent at all.
            OutcomeUnknownError: No answer, one that does not tell, or some moved nevertheless.
        """
        _verify_changes(changes)
        reply = self._write(
            "POST",
            self._client.root,
            content=supplier_wire.render_batch(
                (each.remote_id, each.version, each.attributes) for each in changes
            ),
            headers={"Content-Type": supplier_wire.BATCH_TYPE},
        )
        if not reply.is_success:
            raise self._find_batch_refusal(reply, changes)
        return self._read_parts(reply, changes)

    def _read_parts(
        self, reply: RemoteReply, changes: Sequence[SupplierChange]
    ) -> tuple[SupplierReceipt, ...]:
        parts = reply.parse_json(supplier_wire.BatchAnswer).parts
        if [part.id for part in parts] != [f"p{place}" for place in range(len(changes))]:
            raise self._render_batch_unclear(changes, f"it answers {len(parts)} parts")
        receipts = []
        for part, change in zip(parts, changes, strict=True):
            if part.payload is None or part.precondition_succeeded is False:
                fault = f"the part of supplier {change.number} holds no result"
                raise self._render_batch_unclear(changes, fault)
            receipts.append(self._build_receipt(part.payload, change))
        return tuple(receipts)

    def _find_batch_refusal(
        self, reply: RemoteReply, changes: Sequence[SupplierChange]
    ) -> ConnectorError:
        """The error a refused batch stands for, after a look at every supplier in it.

        Status and text for a version that is no longer the present one are nowhere promised, nor
        has anybody shown that every pod undoes the parts before the failing one (F-34). So what
        moved is read: where our values stand the batch was torn, elsewhere somebody else was first.
        """
        complaints = supplier_wire.parse_complaints(reply.content)
        words = refusals.render_words(complaints)
        place = next((each.part for each in complaints if each.part is not None), None)
        failing = [changes[place]] if place is not None and place < len(changes) else []
        moved = self._list_moved(changes, words)
        torn = [change for change, row in moved if change not in failing and _shows(row, change)]
        if torn:
            numbers = ", ".join(each.number for each in torn[:10])
            fault = f"it refused the batch ({words}), and supplier {numbers} shows its change"
            return self._render_batch_unclear(changes, fault)
        if moved:
            return refusals.render_changed(reply.system, [change for change, _ in moved], words)
        named = f", at supplier {failing[0].number}" if failing else ""
        subject = f"the batch of {len(changes)} changes{named}"
        written = "Nothing was written: each supplier of the batch is as it was."
        return refusals.render_refused(reply, subject, written=written)

    def _list_moved(
        self, changes: Sequence[SupplierChange], words: str
    ) -> list[tuple[SupplierChange, SupplierRow]]:
        try:
            rows = [self._find_row(int(each.remote_id)) for each in changes]
        except ConnectorError as error:
            fault = f"it refused the batch ({words}), and then: {error.refused}"
            raise self._render_batch_unclear(changes, fault) from error
        return [
            (change, row)
            for change, row in zip(changes, rows, strict=True)
            if row is not None and row.version != change.version
        ]

    def _render_batch_unclear(
        self, changes: Sequence[SupplierChange], fault: str
    ) -> refusals.SupplierUnclearError:
        subject = f"the batch of {len(changes)} changes"
        return refusals.render_unclear(self._system, subject, fault)

    def _build_receipt(
        self, item: SupplierItem, change: SupplierChange, *, reply: RemoteReply | None = None
    ) -> SupplierReceipt:
        if str(item.supplier_id) != change.remote_id:
            subject = f"the change of supplier {change.number}"
            fault = f"the answer shows supplier {item.supplier_id} instead of {change.remote_id}"
            raise refusals.render_unclear(self._system, subject, fault)
        row = _build_row(item, reply)
        return SupplierReceipt(row=row, unlike=supplier_wire.list_unlike(row, change.attributes))

    def _write(
        self, method: str, path: str, *, content: bytes, headers: Mapping[str, str]
    ) -> RemoteReply:
        return self._client.send(
            RemoteCall(
                method=method,
                path=path,
                headers=headers,
                content=content,
                is_repeatable=False,
                accepted=refusals.REFUSED,
                timeouts=WRITE_TIMEOUTS,
                bytes_max=ANSWER_BYTES_MAX,
            )
        )

    def _find_row(self, supplier_id: int) -> SupplierRow | None:
        """The supplier by its id; None when it is not shown.

        Raises:
            ProtocolError: It comes without a version.
        """
        path = f"{self._path}/{supplier_id}"
        reply = self._client.send(
            RemoteCall(method="GET", path=path, accepted=frozenset({NOT_FOUND}))
        )
        if reply.is_missing:
            return None
        row = _build_row(reply.parse_json(SupplierItem), reply)
        if not row.version:
            raise reply.render_off_contract("a supplier without change indicator")
        return row

    def _find_items(self, condition: str) -> list[SupplierItem]:
        def read_page(offset: int) -> tuple[RemoteReply, wire.Page[SupplierItem]]:
            query = {
                "q": condition,
                "onlyData": "true",
                "orderBy": f"{wire.SUPPLIER_KEY}:asc",
                "limit": str(PAGE_ROWS),
                "offset": str(offset),
            }
            call = RemoteCall(
                method="GET", path=self._path, query=tuple(query.items()), accepted=frozenset()
            )
            reply = self._client.send(call)
            return reply, reply.parse_json(wire.Page[SupplierItem])

        return list(
            read_by_offset(read_page, identify=lambda row: row.supplier_id, page_size=PAGE_ROWS)
        )

    def _find_named(self, name: str) -> set[int]:
        """Ids of the suppliers of the name; a pod that shows none by it is swept (F-35)."""
        try:
            items = self._find_items(wire.render_name_query(name))
        except RemoteRefusedError:
            items = []
        ids = {each.supplier_id for each in items if _fold(each.supplier) == _fold(name)}
        if ids:
            return ids
        swept = self._client.read_suppliers()
        return {each.supplier_id for each in swept if _fold(each.supplier) == _fold(name)}


def _verify_changes(changes: Sequence[SupplierChange]) -> None:
    faults = [fault for each in changes for fault in _list_faults(each)]
    numbers = [each.remote_id for each in changes]
    twice = sorted({each.number for each in changes if numbers.count(each.remote_id) > 1})
    faults += [f"supplier {number}: it is changed twice in one batch" for number in twice]
    if not 0 < len(changes) <= BATCH_PARTS_MAX:
        faults.append(f"{len(changes)} changes; a batch takes 1 to {BATCH_PARTS_MAX}")
    if faults:
        subject = (
            f"The change of supplier {changes[0].number}"
            if len(changes) == 1
            else f"The batch of {len(changes)} changes"
        )
        raise refusals.render_unfit(subject, faults)


def _list_faults(change: SupplierChange) -> list[str]:
    faults = supplier_wire.list_faults(change.attributes, is_creation=False)
    if not change.attributes:
        faults.append("it changes nothing")
    if not (change.remote_id.isascii() and change.remote_id.isdecimal()):
        faults.append(f"{change.remote_id!r} is no id of a supplier")
    # Without a version the last writer wins, and that would be us (F-30).
    is_version = change.version.isascii() and change.version.isprintable()
    if not (is_version and change.version and '"' not in change.version):
        faults.append(f"{change.version[:40]!r} is no version of a supplier")
    return [f"supplier {change.number}: {fault}" for fault in faults]


def _build_row(item: SupplierItem, reply: RemoteReply | None) -> SupplierRow:
    return supplier_wire.build_row(item, version=supplier_wire.find_version(item, reply))


def _shows(row: SupplierRow, change: SupplierChange) -> bool:
    """Whether any value of the change stands in the row, whatever its capitals."""
    return any(
        row.attributes[name].casefold() == value.casefold()
        for name, value in change.attributes.items()
    )


def _list_secrets(attributes: Mapping[str, str]) -> list[str]:
    return [value for name, value in attributes.items() if name in supplier_wire.HIDDEN]


def _fold(name: str | None) -> str:
    return " ".join((name or "").split()).casefold()
