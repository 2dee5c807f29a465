"""Commands about tokens, with which programs ask the API in the place of a person."""

from typing import Annotated

from cyclopts import Parameter

from ml_connector.cli.options import Options, opened, output_of
from ml_connector.cli.output import hint, say, show, show_json
from ml_connector.flows.answers.token_listings import list_tokens as render_tokens
from ml_connector.ports import Right
from ml_connector.wiring.tokens import DAYS_DEFAULT

Rights = Annotated[
    list[Right],
    Parameter(name="--right", help="What it may do, of what its person may.", negative=()),
]


def add(
    person: str,
    name: str,
    /,
    *,
    right: Rights,
    days: Annotated[int, Parameter(help="How long it opens anything.")] = DAYS_DEFAULT,
    options: Options | None = None,
) -> int:
    """Make a token of a person; NAME says what it is for. The token is printed this once."""
    with opened(options) as house:
        token, secret = house.make_token(name, rights=right, days=days, person=person)
    if output_of(options) == "json":
        show_json({"token": f"mlc_{token.token_id}", "secret": secret})
    else:
        print(secret)
    say(f"A token of {token.person} until {token.expires_at:%Y-%m-%d %H:%M} UTC; not shown again.")
    hint(f"take it back: `ml-connector tokens revoke mlc_{token.token_id}`")
    return 0


def list_tokens(
    person: Annotated[str, Parameter(help="Of this person only.")] = "",
    /,
    *,
    options: Options | None = None,
) -> int:
    """List tokens, newest first: whose, what for, last used, until when."""
    with opened(options) as house:
        listing = render_tokens(house.list_tokens(person), now=house.clock.now())
    show(listing, output_of(options))
    return 0


def revoke(token: str, /, *, options: Options | None = None) -> int:
    """Take a token back; it opens nothing from then on."""
    with opened(options) as house:
        revoked = house.revoke_token(token)
    say(f"The token mlc_{revoked.token_id} of {revoked.person} opens nothing any more.")
    return 0
