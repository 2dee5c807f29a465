"""What is remembered of a supplier that was written: what the model said, what the ERP shows."""

from ml_connector.flows.bench import SupplierBench
from ml_connector.flows.revising.changes import Revision
from ml_connector.flows.revising.shown import find_value, is_alike_sent, list_sent
from ml_connector.ports import Agreement, SupplierRow


def save_agreement(
    bench: SupplierBench, revision: Revision, row: SupplierRow, *, run_id: str, flow: str
) -> None:
    """Both sides agree on what was written, each in its own spelling; repeatable.

    An attribute that shows something else than was sent is left as it was agreed before, so that
    the next comparison sees it again.
    """
    sent = list_sent(revision)
    names = [
        name
        for name in revision.model
        if name != "number" and name in sent and is_alike_sent(revision, row, name)
    ]
    if not names or not row.number:
        return
    agreement = Agreement(
        code=row.number,
        model={name: revision.model[name] for name in names},
        erp={name: find_value(row, name) or "" for name in names},
        run_id=run_id,
    )
    bench.records.agreements.save_agreements(flow, [agreement])
