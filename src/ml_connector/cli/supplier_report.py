"""A supplier run in a controller's words: what would be written, what was, what nobody decided."""

from ml_connector.cli.options import Output
from ml_connector.cli.output import Listing, hint, say, show
from ml_connector.flows.answers.plans_listings import list_revisions
from ml_connector.flows.revising.changes import Revision
from ml_connector.ports import Json

NOTHING = "(empty)"
SHOWN = {"refused": "refusals", "quarantined": "quarantines"}
"""Where a summary tells of suppliers that were not written, by what became of them."""


def count_suppliers(summary: Json) -> int:
    """Suppliers that were to be changed or made."""
    return int(summary["suppliers"]["changes"] + summary["suppliers"]["creations"])


def tell_suppliers(summary: Json, output: Output) -> None:
    """What was written once something was, before that the changes of the plan."""
    show(_list_written(summary) if "planned" in summary else _list_changes(summary), output)
    for state in ("refused", "quarantined"):
        for row in summary.get(SHOWN[state], []):
            say(f"{row['subject']} (key {row['posting_key']}), {state}: {row['reason']}")
    for row in summary.get("differences", []):
        say(
            f"{row['subject']}, {row['attribute']}: sent {_quote(row['sent'])}, the ERP shows"
            f" {_quote(row['shown'])}."
        )
    for row in summary.get("conflicts_shown", []):
        say(_tell_conflict(row))
    for row in summary.get("faults_shown", []):
        say(f"Row {row['row']}, {row['number']}: {row['fault']}.".replace("..", "."))
    _tell_more(summary)
    _tell_counts(summary["suppliers"])
    if summary.get("conflicts_shown"):
        number = summary["conflicts_shown"][0]["number"]
        hint(f"to take the model's word: `ml-connector run {summary['flow']} --take {number}`")


def _tell_conflict(row: Json) -> str:
    now = f"the model has {_quote(row['model'])}, the ERP {_quote(row['erp'])}"
    if row["agreed"] is None:
        return f"{row['number']} {row['name']}, {row['attribute']}: {now}; nobody knows who moved."
    return (
        f"{row['number']} {row['name']}, {row['attribute']}: {now}; both moved from"
        f" {_quote(row['agreed'])}."
    )


def _tell_more(summary: Json) -> None:
    """How many there are where only the first were told."""
    counts = summary["suppliers"] | {name: summary.get(name, 0) for name in ("differing", *SHOWN)}
    if "planned" not in summary:
        counts["planned"] = count_suppliers(summary)
    told = {
        "planned": ("changes_shown", "suppliers of the plan"),
        "refused": (SHOWN["refused"], "refused suppliers"),
        "quarantined": (SHOWN["quarantined"], "quarantined suppliers"),
        "differing": ("differences", "differences"),
        "faulty": ("faults_shown", "rows that are set aside"),
    }
    for name, (shown, what) in told.items():
        if counts.get(name, 0) > len(summary.get(shown, [])):
            say(f"Told are {len(summary.get(shown, [])):,} of {counts[name]:,} {what}.")


def _tell_counts(counts: Json) -> None:
    texts = {
        "conflicting": "Left for a person to decide: {:,}.",
        "faulty": "Rows of the view that are set aside: {:,}.",
        "waiting": "Suppliers that wait for an earlier posting to be settled: {:,}.",
        "owned": "Differences in attributes the ERP owns, which nobody writes: {:,}.",
    }
    for name, text in texts.items():
        if counts.get(name):
            say(text.format(counts[name]))


def _list_changes(summary: Json) -> Listing:
    changes = [Revision(**one) for one in summary.get("changes_shown", [])]
    is_calm = not any(summary["suppliers"].get(name) for name in ("conflicting", "faulty"))
    calm = "The ERP holds what was revised; there is nothing to write."
    return list_revisions(changes, empty=calm if is_calm else "There is nothing to write.")


def _list_written(summary: Json) -> Listing:
    names = ("planned", "confirmed", "refused", "quarantined")
    return Listing(
        columns=("Sent", *(name.capitalize() for name in names), "Unexplained"),
        rows=[(summary["send"], *(summary[name] for name in names), summary["differing"])],
    )


def _quote(text: str) -> str:
    return repr(text) if text else NOTHING
