"""Tokens as a table, the same for the command, the page and its files."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from ml_connector.flows.answers.listing import Listing, State, Tone
from ml_connector.ports import ApiToken

SOON = timedelta(days=14)
"""So long before its end a token is worth a warning."""


def list_tokens(tokens: Sequence[ApiToken], *, now: datetime) -> Listing:
    """Tokens, as given."""
    return Listing(
        columns=(
            "Token", "For", "Of", "May", "State", "Last used (UTC)", "Expires (UTC)",
        ),
        rows=[
            (
                f"mlc_{one.token_id}", one.name, one.person, ", ".join(sorted(one.rights)),
                show_state(one, now=now), one.used_at, one.expires_at,
            )
            for one in tokens
        ],
        empty="There is no token.",
    )  # fmt: skip


def show_state(token: ApiToken, *, now: datetime) -> State:
    """Whether the token opens anything."""
    if token.revoked_at is not None:
        return State(word="revoked", tone=Tone.IDLE)
    if not token.is_live(now):
        return State(word="expired", tone=Tone.IDLE)
    if token.expires_at - now < SOON:
        return State(word="ends soon", tone=Tone.WAITS)
    return State(word="live", tone=Tone.GOOD)
