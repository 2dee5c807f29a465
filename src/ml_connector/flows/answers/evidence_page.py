"""The page of an evidence pack that people open first; it needs nothing but a browser."""

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from ml_connector.domain.money import render_amount
from ml_connector.flows.answers.reconciliation import read_stated
from ml_connector.ports import SignOff
from ml_connector.ports.standings import Standing

if TYPE_CHECKING:
    from ml_connector.flows.answers.evidence import Evidence

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color:#1c2124;background:#fff}table{border-collapse:collapse;margin:0 0 1.5rem}"
    "th,td{padding:.3rem .8rem;border-bottom:1px solid #dedfda;text-align:left}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}code{font-size:.85em;"
    "overflow-wrap:anywhere}h1,h2{line-height:1.2}"
)
MEMBERS = (
    ("ledgers/…/standing.json", "how the period stands, and all its proof is made of"),
    ("ledgers/…/totals.csv", "from the ERP to the model, every difference by its name"),
    ("ledgers/…/accounts.csv", "where the amount of each account combination went"),
    ("ledgers/…/cells.csv", "what each cell of the model shall hold, and holds"),
    ("ledgers/…/cut.txt", "only where there are more accounts or cells than are listed"),
    ("ledgers/…/tie-out.json", "the tie-out as it was archived when it was made"),
    ("mapping/", "the rules by which lines were placed, as they stood"),
    ("runs.json, loads.json, tasks.json", "who ran what when, and what the model was told"),
    (
        "plans.json, approvals.json, postings.json",
        "what was planned, who approved, what was posted",
    ),
    ("sign-offs.json", "who stands for the period, for which proof, and what was taken back"),
    ("files/", "plans as they were sent, results and dumps as the model gave them"),
    ("audit-chain.jsonl", "the links of the audit chain about all this, none left out between"),
    ("manifest.json, manifest.sig", "the hash of every member, and a signature over them"),
    ("key.pem", "the public key of the installation that signed"),
)
ABOUT = "Every amount of the period from the ledger to the planning model, and who stands for it."
BY_COMMAND = (
    "With ml-connector installed anywhere, without its project: <code>ml-connector evidence verify"
    " FILE</code>. It names the key the pack was signed with; ask the installation for its own:"
    " <code>ml-connector evidence key</code>."
)
BY_HAND = (
    "By hand: each member has the SHA-256 that <code>manifest.json</code> says;"
    " <code>manifest.sig</code> is the Ed25519 signature, in hexadecimal digits, of that file's"
    " bytes by the key in <code>key.pem</code>. Each line of the chain carries the SHA-256 of its"
    " JSON without <code>hash_after</code>, keys sorted and no blanks, and the hash of the line"
    " before."
)


def render_page(evidence: "Evidence") -> str:
    """The whole page."""
    title = f"{evidence.period} in {evidence.flow}"
    rows = [(f"<code>{escape(name)}</code>", text) for name, text in MEMBERS]
    parts = [
        f"<h1>Evidence: {escape(title)}</h1>",
        f"<p>Organisation {escape(evidence.organisation)}. {ABOUT}</p>",
        *(_render_ledger(one, evidence.sign_offs) for one in evidence.standings),
        *(f"<p>Left out, for there are too many: {one}.</p>" for one in evidence.left_out),
        f"<h2>What is in this pack</h2>{_render_table(('Member', 'Holds'), rows)}",
        f"<h2>How to verify it</h2><p>{BY_COMMAND}</p><p>{BY_HAND}</p>",
    ]
    head = f"<meta charset=utf-8><title>{escape(title)}</title><style>{STYLE}</style>"
    return f"<!doctype html><html lang=en><head>{head}</head><body>{''.join(parts)}</body></html>\n"


def _render_ledger(standing: Standing, sign_offs: Iterable[SignOff]) -> str:
    rows = []
    for row in standing.amounts:
        amounts = (
            ("ERP", row.erp), ("excluded", row.excluded_total), ("unmapped", row.unmapped),
            ("refused", row.refused), ("not sent", row.unsent), ("model", row.held),
            ("unexplained", row.unexplained), ("debits", row.debit),
        )  # fmt: skip
        rows += [
            (escape(name), f"{render_amount(amount, row.currency)} {escape(row.currency)}")
            for name, amount in amounts
        ]
    signed = [_describe(one) for one in sign_offs if one.ledger == standing.ledger]
    stages = ", ".join(f"{name}: {state}" for name, state in standing.stages)
    return (
        f"<h2>{escape(standing.ledger)}</h2><p>{escape(stages)}. Proof"
        f" <code>{standing.proof_hash}</code>.</p>"
        + _render_table(("", "Amount"), rows, number=True)
        + "".join(f"<p>{text}</p>" for text in signed or ["Nobody has signed."])
    )


def _describe(one: SignOff) -> str:
    named = ", ".join(read_stated(one)) or "nothing"
    said = (
        f"Signed by {one.signed_by} on {one.signed_at:%Y-%m-%d %H:%M} UTC for proof"
        f" {one.proof_hash[:12]}: {one.comment} Stated as known and not in their place: {named}."
    )
    if one.withdrawn_at:
        at = f"{one.withdrawn_at:%Y-%m-%d %H:%M} UTC"
        said += f" Withdrawn by {one.withdrawn_by} on {at}: {one.reason}"
    return escape(said)


def _render_table(
    titles: Iterable[str], rows: Iterable[tuple[str, str]], *, number: bool = False
) -> str:
    head = "".join(f"<th scope=col>{title}</th>" for title in titles)
    kind = ' class="n"' if number else ""
    body = "".join(f"<tr><td>{left}</td><td{kind}>{right}</td></tr>" for left, right in rows)
    return f"<table><tr>{head}</tr>{body}</table>"
