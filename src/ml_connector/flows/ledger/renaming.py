"""Renamed accounts follow: what lies on an account moves with it, in every period it lies in.

Of a keyed chart the archive keeps the account's id, and the ERP's account master says what the id
stands for. When the master says something else than at the last run, the ERP has restated its own
history by that, so the periods with lines of the account are owed to the model again.
"""

from collections.abc import Mapping
from functools import partial

from ml_connector.flows.bench import ActualsBench, store_document
from ml_connector.flows.ledger.books import Books, Pair
from ml_connector.flows.ledger.reading import read_pairs
from ml_connector.flows.placing.summing import read_combinations
from ml_connector.flows.run import ActualsRun
from ml_connector.ports import Json

RENAMED = "accounts: renamed"
SHOWN_MAX = 20


def touch_renamed(run: ActualsRun) -> Json:
    """Every archived period with lines of a renamed account is owed; returns how many, and some.

    Nothing for charts that show their segments in their combinations.
    """
    if not run.pins.get("combinations"):
        return {}
    body = partial(_touch_renamed, run.bench, run.books, run.pins["combinations"])
    return run.steps.step(RENAMED, body)


def _touch_renamed(bench: ActualsBench, books: Books, now_hash: str) -> Json:
    flow = bench.flow.name
    before_hash = bench.records.mappings.load_explained(flow)
    before = read_combinations(bench, before_hash) if before_hash not in ("", now_hash) else {}
    now = read_combinations(bench, now_hash) if before else {}
    renamed = find_renamed(before, now)
    pairs = _find_pairs(bench, books, set(renamed)) if renamed else []
    # Owed first: killed in between, the next look finds the same accounts renamed once more.
    bench.records.batches.record_touched(flow, pairs)
    explained = store_document(bench.archive, add_vanished(before, now)) if before else now_hash
    bench.records.mappings.save_explained(flow, explained)
    return {
        "renamed": len(renamed),
        "renamed_periods": len(pairs),
        "renamed_shown": [
            [key[1], _tell(bench, key[0], *texts)]
            for key, texts in sorted(renamed.items())[:SHOWN_MAX]
        ],
    }


def _tell(bench: ActualsBench, chart_name: str, before: str, now: str) -> str:
    """The segments that differ, each with its value before and now."""
    chart = bench.source.find_chart(chart_name)
    # A category code the connection names since then makes the text longer.
    if chart is None or before.count(chart.delimiter) != now.count(chart.delimiter):
        return f"{before} → {now}"
    old, new = chart.split(before), chart.split(now)
    return ", ".join(
        f"{name} {old[name] or 'blank'} → {new[name] or 'blank'}"
        for name in chart.segments
        if old[name] != new[name]
    )


def find_renamed(
    before: Mapping[str, Mapping[str, str]], now: Mapping[str, Mapping[str, str]]
) -> dict[tuple[str, str], tuple[str, str]]:
    """What (chart, combination) stood for before and now, where the two differ.

    An account that is new or gone is none that was renamed.
    """
    return {
        (chart, combination): (text, now[chart][combination])
        for chart, texts in before.items()
        for combination, text in texts.items()
        if now.get(chart, {}).get(combination, text) != text
    }


def add_vanished(
    before: Mapping[str, Mapping[str, str]], now: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    """What everything stands for now; of what is not shown now, what it stood for before.

    Rights may hide an account for a while; it may come back under another name.
    """
    return {chart: {**before.get(chart, {}), **now.get(chart, {})} for chart in {*before, *now}}


def _find_pairs(bench: ActualsBench, books: Books, renamed: set[tuple[str, str]]) -> list[Pair]:
    """The archived pairs with lines of these combinations."""
    return [
        pair
        for pair in sorted(books.members)
        if any((one.chart, one.combination) in renamed for one in read_pairs(bench, [pair]))
    ]
