"""Taking a change of a supplier back: what stood there before is a plan like any other."""

from ml_connector.errors import UsageError
from ml_connector.flows.bench import SupplierBench, store_document
from ml_connector.flows.revising.changes import Revision, find_revision, render_revision
from ml_connector.flows.revising.outcomes import KIND
from ml_connector.flows.revising.shown import find_value, is_alike_sent
from ml_connector.ports import Json, Posting, PostingState, SupplierRow

KEYS_HINT = "See the postings: `ml-connector postings list`."


class SupplierNotReversibleError(UsageError):
    """Only a confirmed change that still stands in the ERP can be taken back."""

    code = "suppliers.not-reversible"


def plan_supplier_reversal(bench: SupplierBench, posting_key: str, run_id: str) -> Json:
    """A plan that sets the supplier back to what it was before the posting.

    It is bound to the version of now, so what others changed meanwhile elsewhere in the supplier
    stays. The model keeps its values, and both sides agree on that: the next run does not undo it.

    Raises:
        SupplierNotReversibleError: The posting is no confirmed change of the flow, was taken back
            already, or the ERP no longer shows what it wrote.
    """
    posting = _verify_posting(bench, posting_key)
    revision = find_revision(bench.archive, posting)
    if revision.is_creation:
        raise _refuse(
            posting_key,
            f"made supplier {posting.receipt['number']}, and suppliers are never deleted",
            next_step="Give the supplier an inactive date, in the ERP or by the flow.",
        )
    row = bench.suppliers.read_supplier(revision.number)
    names = _list_names(posting, revision, row)
    back = Revision(
        number=revision.number,
        name=row.attributes.get("name", revision.name),
        remote_id=row.remote_id,
        version=row.version,
        before={name: find_value(row, name) or "" for name in names},
        after={name: revision.before[name] for name in names},
        model={name: revision.model[name] for name in names if name in revision.model},
    )
    return _store_plan(bench, back, posting_key=posting_key, run_id=run_id)


def _verify_posting(bench: SupplierBench, posting_key: str) -> Posting:
    posting = bench.records.postings.find_posting(posting_key)
    if posting is None or posting.flow != bench.flow.name or posting.kind != KIND:
        raise _refuse(posting_key, "is no posting of this flow")
    if posting.connection != bench.source.connection:
        raise _refuse(posting_key, f"was written into {posting.connection}")
    if posting.state is not PostingState.CONFIRMED:
        raise _refuse(posting_key, f"is {posting.state}")
    if posting.reverses:
        raise _refuse(posting_key, f"takes back {posting.reverses} itself")
    if posting.reversed_by:
        raise _refuse(posting_key, f"was reversed by {posting.reversed_by}")
    return posting


def _list_names(posting: Posting, revision: Revision, row: SupplierRow) -> list[str]:
    """Attributes to set back; those the ERP never took stand as they did before.

    Raises:
        SupplierNotReversibleError: One of the others shows something else by now.
    """
    taken, moved = [], []
    for name in revision.after:
        if is_alike_sent(revision, row, name):
            taken.append(name)
        elif name not in posting.receipt.get("unlike", ()) or (
            find_value(row, name) != revision.before[name]
        ):
            moved.append(f"{name} is {find_value(row, name)!r}")
    if moved or row.remote_id != revision.remote_id:
        why = f"is overtaken: the ERP shows of {posting.subject} that {', '.join(moved)}"
        raise _refuse(posting.posting_key, why if moved else "is of another supplier by now")
    if not taken:
        raise _refuse(posting.posting_key, "changed nothing that the ERP took")
    return taken


def _store_plan(bench: SupplierBench, back: Revision, *, posting_key: str, run_id: str) -> Json:
    counts = {"send": "single", "changes": 1, "creations": 0}
    document = counts | {
        "flow": bench.flow.name,
        "connection": bench.source.connection,
        "address": bench.source.address,
        "run_id": run_id,
        "chunks": [store_document(bench.archive, [render_revision(back)])],
        "reverses": posting_key,
    }
    return {"plan_hash": store_document(bench.archive, document), **counts}


def _refuse(
    posting_key: str, why: str, *, next_step: str = KEYS_HINT
) -> SupplierNotReversibleError:
    return SupplierNotReversibleError(
        f"Posting {posting_key} {why}.",
        written="Nothing was written.",
        next_step=next_step,
        posting=posting_key,
    )
