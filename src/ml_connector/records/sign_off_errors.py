"""What the store of sign-offs refuses, by what the caller may do next."""

from ml_connector.errors import BlockedError, UsageError
from ml_connector.ports import SignOff

NOT_SIGNED = "Nothing was signed."
AS_IT_WAS = "The sign-off is as it was."


class UnfitSignOffError(UsageError):
    """A sign-off or its withdrawal cannot be stored: somebody, a reason or a proof is missing."""

    code = "sign-offs.unfit"

    def __init__(self, finding: str) -> None:
        super().__init__(
            f"A sign-off cannot stand so: {finding}.",
            written="Nothing was stored.",
            next_step="Name the period, say why it is reconciled, and let a run prove it first.",
            finding=finding,
        )


class OwnRunError(BlockedError):
    """Who made a run, or has resumed it, tried to sign the period it proved or wrote into."""

    code = "sign-offs.own-run"

    def __init__(self, sign_off: SignOff, *, run_id: str) -> None:
        super().__init__(
            f"{sign_off.signed_by} made run {run_id}, or resumed it, and cannot sign"
            f" {sign_off.period} of {sign_off.ledger}, which it has made what it is.",
            written=NOT_SIGNED,
            next_step="Let another person sign.",
            run_id=run_id, actor=sign_off.signed_by,
        )  # fmt: skip


class SignedAlreadyError(BlockedError):
    """The very same books are signed already, perhaps by somebody at the same instant."""

    code = "sign-offs.signed-already"

    def __init__(self, stored: SignOff) -> None:
        super().__init__(
            f"{stored.period} of {stored.ledger} in flow {stored.flow} is signed already: by"
            f" {stored.signed_by} on {stored.signed_at:%Y-%m-%d %H:%M} UTC.",
            written=NOT_SIGNED,
            next_step="Nothing is needed; to sign anew, let it be withdrawn first.",
            sign_off=stored.sign_off_id, signed_by=stored.signed_by,
        )  # fmt: skip


class UnknownSignOffError(UsageError):
    """No sign-off of this organisation has the id."""

    code = "sign-offs.unknown"

    def __init__(self, sign_off_id: str) -> None:
        super().__init__(
            f"There is no sign-off {sign_off_id!r}.",
            written="Nothing was stored.",
            next_step="List them: `ml-connector sign-offs list`.",
            sign_off=sign_off_id,
        )


class WithdrawnAlreadyError(BlockedError):
    """A sign-off was taken back before; that is never changed."""

    code = "sign-offs.withdrawn-already"

    def __init__(self, stored: SignOff) -> None:
        super().__init__(
            f"The sign-off {stored.sign_off_id} of {stored.period} of {stored.ledger} was taken"
            f" back by {stored.withdrawn_by} before.",
            written=AS_IT_WAS,
            next_step="Nothing is needed.",
            sign_off=stored.sign_off_id,
        )


class SignedSinceError(BlockedError):
    """A sign-off was to be taken back after the period was signed anew."""

    code = "sign-offs.signed-since"

    def __init__(self, stored: SignOff, newest: SignOff) -> None:
        super().__init__(
            f"The period of sign-off {stored.sign_off_id} was signed anew by {newest.signed_by}"
            f" since then, as {newest.sign_off_id}.",
            written=AS_IT_WAS,
            next_step=f"Look at {newest.sign_off_id}, which is the newest one.",
            sign_off=stored.sign_off_id, newest=newest.sign_off_id,
        )  # fmt: skip
