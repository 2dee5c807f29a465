"""Commands about sign-offs: a person stands for a period, or takes that back."""

from typing import Annotated

from cyclopts import Parameter

from ml_connector.cli.options import Options, opened, output_of
from ml_connector.cli.output import hint, say, show
from ml_connector.cli.outside import Rows
from ml_connector.flows.answers.reconciliation import read_stated
from ml_connector.flows.answers.reconciliation_listings import (
    is_empty,
    list_periods,
    list_sign_offs,
)


def sign_off(
    flow: str,
    period: str,
    /,
    *,
    comment: Annotated[str, Parameter(help="Why it is reconciled; kept for good.")],
    ledger: Annotated[str, Parameter(help="Ledger or company, where several have it.")] = "",
    options: Options | None = None,
) -> int:
    """Sign a period as reconciled; refused while anything is unexplained, moving or owed."""
    with opened(options) as house:
        signed = house.sign_off(flow, period, ledger=ledger, comment=comment)
        show(list_sign_offs([signed], house.find_signed(signed)), output_of(options))
    for one in read_stated(signed):
        say(f"Stated as known and not in its place: {one}.")
    hint(f"ml-connector evidence make {flow} {period}")
    return 0


def list_signed(
    *,
    flow: str | None = None,
    periods: Annotated[bool, Parameter(help="How each period stands, signed or not.")] = False,
    limit: Annotated[Rows, Parameter(help="Newest signatures to list.")] = 50,
    options: Options | None = None,
) -> int:
    """List signatures, newest first; or every period and how it is signed."""
    with opened(options) as house:
        if periods:
            rows = [row for row in house.list_signed(flow=flow) if not is_empty(row.standing)]
            show(list_periods(rows), output_of(options))
        else:
            signed = house.records.sign_offs.load_sign_offs(flow=flow or "", limit=limit)
            newest = {one.sign_off_id: house.find_signed(one) for one in signed}
            show(list_sign_offs(signed, *newest.values()), output_of(options))
    return 0


def withdraw(
    sign_off_id: str,
    /,
    *,
    reason: Annotated[str, Parameter(help="Why it is taken back; kept for good.")],
    options: Options | None = None,
) -> int:
    """Take a signature back; by who gave it, or an admin."""
    with opened(options) as house:
        taken = house.withdraw_sign_off(sign_off_id, reason=reason)
    say(f"{taken.period} of {taken.ledger} is not signed any more; the signature stays to be seen.")
    return 0
