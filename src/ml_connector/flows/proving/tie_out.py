"""The tie-out of a run: every hop of every planning period it touched, from stored evidence."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from decimal import Decimal
from functools import partial

from ml_connector.domain.ledger import CombinationKey, Totals
from ml_connector.domain.money import render_plain
from ml_connector.domain.summaries import Placed
from ml_connector.domain.tie_out import TieOutEvidence, tie_out
from ml_connector.flows.bench import ActualsBench, read_document, store_document
from ml_connector.flows.ledger.currencies import currency_of
from ml_connector.flows.loading.accepting import load_refused_keys
from ml_connector.flows.placing.summing import read_contributions
from ml_connector.flows.planning.plans import read_shadow
from ml_connector.ports import Json

SHOWN_MAX = 20


def tie_out_member(bench: ActualsBench, evidence: Json) -> Json:
    """One planning period tied out hop by hop; the whole report is archived, its head returned."""
    report = tie_out(_gather(bench, evidence))
    rows = [_render(asdict(row)) for row in report.rows]
    differences = [
        _render(asdict(difference)) | {"sentence": difference.sentence}
        for difference in report.differences
    ]
    document = store_document(
        bench.archive, {"rows": rows, "differences": differences, "evidence": evidence}
    )
    return {
        "is_tied": report.is_tied,
        "rows": len(rows),
        "differences": report.differences_count,
        "shown": differences[:SHOWN_MAX],
        "report": document,
    }


def read_rows(bench: ActualsBench, reports: Iterable[str], *, most: int) -> list[Json]:
    """The rows of archived reports, at most so many; those with an unexplained amount come first.

    In the reports' own order as long as all of them fit.
    """
    rows = [row for report in reports for row in read_document(bench.archive, report)["rows"]]
    if len(rows) > most:
        rows.sort(key=lambda row: not Decimal(row["unexplained"]))
    return rows[:most]


def _render(row: Json) -> Json:
    return {k: _render_value(v) for k, v in row.items()}


def _render_value(value: object) -> object:
    if isinstance(value, Decimal):
        return render_plain(value)
    if isinstance(value, tuple | list):
        return [_render_value(part) for part in value]
    if isinstance(value, dict):
        return {k: _render_value(v) for k, v in value.items()}
    return value


def _gather(bench: ActualsBench, evidence: Json) -> TieOutEvidence:
    archive = bench.archive
    refused = load_refused_keys(bench, evidence["refused"]) if evidence["refused"] else {}
    return TieOutEvidence(
        erp=((CombinationKey(*key), totals.net) for key, totals in _chain(bench, evidence["erp"])),
        archived=(
            (CombinationKey(*key), totals) for key, totals in _chain(bench, evidence["archived"])
        ),
        placed=(
            Placed(CombinationKey(*key[:4]), key[4], totals)
            for key, totals in archive.read_totals(evidence["placed"])
        ),
        contributions=read_contributions(bench, evidence["contributions"]),
        summed=archive.read_summaries(evidence["summaries"]),
        shadow_before=read_shadow(archive, evidence["shadow_before"]),
        planned=archive.read_plan(evidence["plan"]) if evidence["plan"] else iter(()),
        refused=iter(
            sorted(key for key in refused if key[evidence["period_at"]] == evidence["member"])
        ),
        held=((key, totals.net) for key, totals in archive.read_totals(evidence["held"])),
        currency_of=partial(currency_of, evidence["currencies"]),
    )


def _chain(bench: ActualsBench, files: Sequence[str]) -> Iterator[tuple[tuple[str, ...], Totals]]:
    for file_hash in files:
        yield from bench.archive.read_totals(file_hash)
