"""Suppliers through the ERP's file import: one file leaves, with a row for each supplier.

A row names no version, so nothing keeps it from overwriting somebody: each supplier is read right
before, and one that is no longer what the plan was made from is left out.
"""

from collections.abc import Iterator, Sequence

from ml_connector.domain.posting_keys import derive_posting_key
from ml_connector.errors import ConnectorError
from ml_connector.flows.bench import SupplierBench
from ml_connector.flows.revising.delivering import (
    Answer,
    JobStarted,
    deliver,
    render_existing,
    send_patiently,
)
from ml_connector.flows.revising.importing import look_back_file
from ml_connector.flows.revising.looking import (
    Sending,
    call_at_once,
    look,
    render_overtaken,
    settle_seen,
)
from ml_connector.flows.revising.outcomes import Item, mark_batch, refuse
from ml_connector.flows.revising.shown import Shown, Sight, list_sent
from ml_connector.ports import FileAction, FileColumn, FileObject, FileRow, SupplierFile

BATCH_PREFIX = "MLC"
"""Names our batches in the ERP; eight signs of a key follow."""


def send_file(sending: Sending, items: Sequence[Item]) -> None:
    """All items are settled by one import, or by a second one of what the first never was.

    Raises:
        ImportUnderWayError: The job goes on, or nobody tells; a resume looks again.
        RevisionUnclearError: The outcome of some is unknown, and looking did not tell.
    """
    deliver(sending, items, submit_file, find_unwritten=look_back_file)


def submit_file(sending: Sending, items: Sequence[Item]) -> list[Item]:
    """One file leaves with those items the ERP still shows as planned; the others are settled."""
    bench = sending.bench
    rows = list(_prepare(sending, items))
    if not rows:
        return []
    due = [item for item, _ in rows]
    name = _name_batch(due)
    file = SupplierFile(
        holds=FileObject.SUPPLIERS,
        batch=name,
        columns=bench.template,
        rows=tuple(row for _, row in rows),
    )
    named = [mark_batch(bench, item, name, row=n) for n, item in enumerate(due, start=1)]

    def leave(marked: Sequence[Item]) -> list[Answer]:
        try:
            job_id = bench.suppliers.submit_file(file)
        except ConnectorError as error:
            return [error] * len(marked)
        return [JobStarted(job_id=job_id)] * len(marked)

    return send_patiently(sending, named, leave, prefix="the file was refused whole: ")


def _prepare(sending: Sending, items: Sequence[Item]) -> Iterator[tuple[Item, FileRow]]:
    """Yield the items that may leave, with their rows; the others are settled by what is seen."""
    bench = sending.bench
    sights = call_at_once(lambda item: look(bench, item), items, at_once=bench.flow.at_once)
    for item, sight in zip(items, sights, strict=True):
        if sight.shown is not (Shown.ABSENT if item.revision.is_creation else Shown.UNTOUCHED):
            _settle_unfit(bench, item, sight)
            continue
        row = _build_row(item, sight, bench.template)
        missing = sorted(set(row.attributes) - _list_known(bench.template))
        if missing:
            words = f"the import's template has no column for {', '.join(missing)}"
            refuse(bench, item, words)
        else:
            yield item, row


def _settle_unfit(bench: SupplierBench, item: Item, sight: Sight) -> None:
    """What was never sent is left away whatever the ERP shows; else that is looked into."""
    if item.was_sent and settle_seen(bench, item, sight) is not None:
        return
    if item.revision.is_creation:
        refuse(bench, item, render_existing(sight.words))
    else:
        refuse(bench, item, render_overtaken(sight))


def _build_row(item: Item, sight: Sight, template: Sequence[FileColumn]) -> FileRow:
    """The row; a supplier that is there is named as it is, and its new name stands beside it."""
    sent = list_sent(item.revision)
    if item.revision.is_creation:
        return FileRow(action=FileAction.CREATE, attributes=sent)
    assert sight.row is not None, "a change without its supplier"
    attributes = {name: value for name, value in sent.items() if name != "name"}
    if "name" in sent:
        attributes["new_name"] = sent["name"]
    known = {"name": sight.row.attributes["name"]}
    if "number" in _list_known(template):
        known["number"] = item.revision.number
    return FileRow(action=FileAction.UPDATE, attributes=known | attributes)


def _list_known(template: Sequence[FileColumn]) -> set[str]:
    return {column.attribute for column in template}


def _name_batch(items: Sequence[Item]) -> str:
    """A name of these postings and this sending; never one that left before."""
    keys = sorted(item.posting.posting_key for item in items)
    left = {item.posting.receipt.get("batch", "") for item in items if item.was_sent}
    sending = 1
    while (name := BATCH_PREFIX + derive_posting_key(*keys, generation=sending)) in left:
        sending += 1
    return name
