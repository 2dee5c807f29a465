"""Commands about people: who may sign in to the pages, and what they may do."""

import getpass
import sys
from typing import Annotated

from cyclopts import Parameter

from ml_connector.cli.options import Options, opened, output_of
from ml_connector.cli.output import Listing, say, show
from ml_connector.errors import UsageError
from ml_connector.ports import Role

PASSWORD_CHARACTERS_MAX = 1_000
Roles = Annotated[list[Role], Parameter(name="--role", help="What the person may do.", negative=())]


class RepeatedPasswordError(UsageError):
    """The password was typed in two ways."""

    code = "people.typed-twice"


class PipedPasswordError(UsageError):
    """What was piped in is no password that anybody could type."""

    code = "people.piped"


def add(
    name: str,
    /,
    *,
    role: Roles,
    display_name: Annotated[str, Parameter(help="As others read it.")] = "",
    email: Annotated[str, Parameter(help="For alerts, and to be known by at a provider.")] = "",
    without_password: Annotated[
        bool, Parameter(help="Signs in with a provider only.", negative=())
    ] = False,
    options: Options | None = None,
) -> int:
    """Add a person, who may sign in from then on; asks for the password. The first is an admin."""
    with opened(options) as house:
        if not house.records.people.load_people() and Role.ADMIN not in role:
            raise UsageError(
                "The first person has to be an admin, who can add the others.",
                written="Nothing was stored.",
                next_step=f"Say so: `ml-connector users add {name} --role admin`.",
            )
        person = house.add_person(
            name, password=None if without_password else _ask(name), roles=role,
            display_name=display_name, email=email,
        )  # fmt: skip
    say(f"{person.name} may sign in, as {', '.join(sorted(person.roles))}.")
    return 0


def list_users(*, options: Options | None = None) -> int:
    """List people, their roles and when they last signed in."""
    with opened(options) as house:
        rows = [
            (
                one.name, one.display_name, ", ".join(sorted(one.roles)),
                "active" if one.is_active else "disabled",
                "yes" if one.second_factor_at else "",
                ", ".join(house.records.identities.load_accounts(one.name)), one.signed_in_at,
            )
            for one in house.records.people.load_people()
        ]  # fmt: skip
    columns = (
        "Name", "Known as", "Roles", "State", "Second factor", "Accounts", "Signed in (UTC)",
    )  # fmt: skip
    empty = "Nobody may sign in yet: `ml-connector users add NAME --role admin`."
    show(Listing(columns=columns, rows=rows, empty=empty), output_of(options))
    return 0


def change_roles(name: str, /, *, role: Roles, options: Options | None = None) -> int:
    """Give a person exactly these roles."""
    with opened(options) as house:
        person = house.save_roles(name, role)
    say(f"{person.name} is {', '.join(sorted(person.roles))}.")
    return 0


def change_password(name: str, /, *, options: Options | None = None) -> int:
    """Give a person another password; asks for it. Open sessions end."""
    with opened(options) as house:
        house.save_password(name, _ask(name))
    say(f"{name} signs in with the new password.")
    return 0


def disable(name: str, /, *, options: Options | None = None) -> int:
    """Let a person sign in no more; open sessions end at once."""
    with opened(options) as house:
        house.save_active(name, is_active=False)
    say(f"{name} may not sign in.")
    return 0


def enable(name: str, /, *, options: Options | None = None) -> int:
    """Let a person sign in again."""
    with opened(options) as house:
        house.save_active(name, is_active=True)
    say(f"{name} may sign in.")
    return 0


def bind(
    name: str,
    /,
    *,
    account: Annotated[str, Parameter(help="USER@HOST, as the run history shows it.")],
    options: Options | None = None,
) -> int:
    """Let commands of an operating system's account be a person's, who approves none of them."""
    with opened(options) as house:
        house.bind_account(name, account)
    say(f"Commands of {account} are {name}'s.")
    return 0


def unbind(account: str, /, *, options: Options | None = None) -> int:
    """Let an account be nobody's any more; whose it was is remembered where plans are approved."""
    with opened(options) as house:
        name = house.free_account(account)
    say(f"{account} is {name}'s no more.")
    return 0


def reset_factor(name: str, /, *, options: Options | None = None) -> int:
    """Take a lost second factor away; where a role asks for one, the person sets up another."""
    with opened(options) as house:
        had_one = house.reset_factor(name)
    say(f"{name} has no second factor{'' if had_one else ', and had none'}.")
    return 0


def _ask(name: str) -> str:
    if not sys.stdin.isatty():
        return _read_piped(sys.stdin.read(PASSWORD_CHARACTERS_MAX + 1))
    first = getpass.getpass(f"Password of {name}: ")
    if getpass.getpass("Again: ") != first:
        raise RepeatedPasswordError(
            "The two passwords differ.",
            written="Nothing was stored.",
            next_step="Run the command again.",
        )
    return first


def _read_piped(text: str) -> str:
    """The one line there is; of more, what is typed at the sign-in could never be the password."""
    lines = text.splitlines()
    if len(text) > PASSWORD_CHARACTERS_MAX or len(lines) > 1:
        raise PipedPasswordError(
            "What was piped in as the password is more than one line, or longer than"
            f" {PASSWORD_CHARACTERS_MAX:,} characters.",
            written="Nothing was stored.",
            next_step="Pipe the password alone, or run the command at a terminal, which asks.",
        )
    return "".join(lines)
