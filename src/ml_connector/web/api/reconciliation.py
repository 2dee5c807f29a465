"""How each period of each ledger stands against its model, and who has signed it."""

from datetime import date
from typing import Annotated, Any, cast

from django.http import StreamingHttpResponse
from ninja import Body, Query, Router, Schema
from pydantic import Field

from ml_connector.flows.answers.reconciliation import Signature, SignedStanding
from ml_connector.ports import Right, SignOff
from ml_connector.ports.standings import StageState
from ml_connector.web.api.paging import (
    ROWS_DEFAULT,
    After,
    Limit,
    Page,
    begin_after,
    cut_page,
    read_place,
    render_place,
)
from ml_connector.web.api.problems import MissingError
from ml_connector.web.api.shapes import (
    KEY_MAX,
    Amount,
    Asked,
    Day,
    Document,
    Instant,
    Key,
    Line,
    Name,
    OfFlow,
    PathName,
    Text,
    finding,
)
from ml_connector.web.guards import Asked as Request
from ml_connector.web.guards import needs

router = Router()
ZIP = "application/zip"


class AmountsOut(Schema):
    """The bridge from the ERP to the model in one currency, in the ledger's own sign."""

    currency: str
    erp: Amount
    excluded_total: Amount
    unmapped: Amount
    suspense: Amount
    refused: Amount
    unsent: Amount
    held: Amount
    unexplained: Amount
    lines: int


class SignOffOut(Schema):
    """One person's word that a period is reconciled."""

    sign_off_id: str
    flow: str
    ledger: str
    period: str
    number: int
    proof_hash: str
    run_id: str
    signed_by: str
    comment: str
    stated: Document
    signed_at: Instant
    withdrawn_by: str
    withdrawn_at: Instant | None
    reason: str


class StandingOut(Schema):
    """How one period of one ledger stands, as the last run that looked at it left it."""

    flow: str
    ledger: str
    period: str
    member: str
    date_first: date | None
    date_last: date | None
    status: str
    read: StageState
    mapped: StageState
    loaded: StageState
    tied: StageState
    is_owed: bool
    is_whole: bool
    amounts: list[AmountsOut]
    proof_hash: str
    run_id: str
    at: Instant
    signed: SignOffOut | None
    signature: Signature = Field(description="Whether it still speaks for the books.")


class EvidenceKeyOut(Schema):
    """What packs are signed with."""

    fingerprint: str
    pem: str


class SignAsked(Asked):
    """What is signed, and why it is reconciled."""

    flow: Name
    period: Name
    ledger: Key = ""
    comment: Text
    proof_hash: Key = Field(
        default="", description="Of the books that were looked at; empty: whatever they are now."
    )


class WithdrawalAsked(Asked):
    """Why it is taken back."""

    reason: Text


@router.get("", response=Page[StandingOut], summary="How every period stands")
@needs(Right.SEE)
def list_standings(
    request: Request,
    flow: OfFlow = "",
    first: Annotated[Day | None, Query(description="Periods that end from this day on.")] = None,
    last: Annotated[Day | None, Query(description="Periods that end until this day.")] = None,
    after: After = "",
    limit: Limit = ROWS_DEFAULT,
) -> dict[str, Any]:
    """By flow, ledger and the period's name.

    ERP, less what is named, is what the model holds; the rest is unexplained.
    """
    place = cast("tuple[str, str, str] | None", read_place(after, 3) or None)
    found = request.house.list_signed_page(
        flow=flow, first=first, last=last, after=place, limit=limit + 1
    )
    return cut_page([tell_standing(one) for one in found], limit=limit, find_key=_name)


@router.get("/sign-offs", response=Page[SignOffOut], summary="Who has signed what")
@needs(Right.SEE)
def list_sign_offs(
    request: Request,
    flow: OfFlow = "",
    ledger: Annotated[str, Query(max_length=KEY_MAX, pattern=Line)] = "",
    period: Annotated[str, Query(max_length=KEY_MAX, pattern=Line)] = "",
    after: After = "",
    limit: Limit = ROWS_DEFAULT,
) -> dict[str, Any]:
    """Newest first; those taken back as well."""
    store = request.house.records.sign_offs
    before = begin_after(after, store.find_sign_off)
    rows = store.load_sign_offs(
        flow=flow, ledger=ledger, period=period, before=before, limit=limit + 1
    )
    return cut_page(rows, limit=limit, find_key=lambda one: one.sign_off_id)


@router.get(
    "/evidence", summary="What proves a period",
    openapi_extra={
        "responses": {
            200: {
                "description": "One signed zip; the same books give the same bytes.",
                "content": {ZIP: {"schema": {"type": "string", "format": "binary"}}},
            }
        }
    },
)  # fmt: skip
@needs(Right.SEE)
def fetch_evidence(
    request: Request,
    flow: Annotated[Name, Query()],
    period: Annotated[Name, Query(description="By the ledger's own name.")],
    ledger: Annotated[str, Query(max_length=KEY_MAX, pattern=Line)] = "",
) -> StreamingHttpResponse:
    """Totals, rules, approvals, tasks and audit links of the period; every ledger without one."""
    with finding():
        name, content = request.house.make_evidence(flow, period, ledger=ledger)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(content, content_type=ZIP, headers=headers)


@router.get("/evidence/key", response=EvidenceKeyOut, summary="What packs are signed with")
@needs(Right.SEE)
def show_evidence_key(request: Request) -> dict[str, Any]:
    """The public key, to be compared with a pack's by who verifies it offline."""
    pem, fingerprint = request.house.show_evidence_key()
    return {"pem": pem, "fingerprint": fingerprint}


@router.post("/sign-offs", response={201: SignOffOut}, summary="Sign a period as reconciled")
@needs(Right.DECIDE)
def sign_off(request: Request, wanted: Annotated[SignAsked, Body()]) -> SignOff:
    """Refused while anything is unexplained, moving, owed or not sent."""
    return request.house.sign_off(
        wanted.flow, wanted.period, ledger=wanted.ledger, comment=wanted.comment,
        proof_hash=wanted.proof_hash,
    )  # fmt: skip


@router.post(
    "/sign-offs/{sign_off_id}/withdraw", response=SignOffOut, summary="Take a sign-off back"
)
@needs(Right.SEE)
def withdraw(
    request: Request, sign_off_id: PathName, wanted: Annotated[WithdrawalAsked, Body()]
) -> SignOff:
    """By who gave it or an admin: the house asks; it stays to be seen."""
    if request.house.records.sign_offs.find_sign_off(sign_off_id) is None:
        raise MissingError(
            f"There is no sign-off {sign_off_id!r}.",
            written="Nothing was changed.", next_step="List them: …/reconciliation/sign-offs.",
        )  # fmt: skip
    return request.house.withdraw_sign_off(sign_off_id, reason=wanted.reason)


def tell_standing(one: SignedStanding) -> dict[str, Any]:
    """A standing with the signature on it."""
    standing = one.standing
    names = [name for name in StandingOut.model_fields if name not in ("signed", "signature")]
    told = {name: getattr(standing, name) for name in names}
    return {**told, "signed": one.sign_off, "signature": one.signature}


def _name(told: dict[str, Any]) -> str:
    return render_place(told["flow"], told["ledger"], told["period"])
