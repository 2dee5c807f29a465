"""The second factor: set up, asked for, guessed at, lost; and wrong tries behind a proxy."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.standing import lay_state
from tests.pages.conftest import PASSWORD, Answer, Visitor
from tests.pages.door import find_events, opening_door, set_up_factor

from ml_connector.ports import Role
from ml_connector.wiring import open_house

SETTINGS = """
organisation: default
key:
  file: .key
pages:
  url: http://127.0.0.1
  trusted_proxy: 127.0.0.1
  sign_in:
    mfa_required_for: [approver]
"""
NAMES = {
    "anna": Role.VIEWER, "ben": Role.VIEWER, "cleo": Role.VIEWER, "amir": Role.APPROVER,
    "guess": Role.VIEWER, "slow": Role.VIEWER, "pat": Role.VIEWER, "root": Role.ADMIN,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Door:
    """The pages and the project behind them."""

    url: str
    root: Path

    def visitor(self, name: str = "") -> Visitor:
        """Somebody who has shown the password, unless no name is given."""
        visitor = Visitor(self.url)
        if name:
            assert visitor.sign_in(name, way="/account/").status == 302
        return visitor


@pytest.fixture(scope="module")
def door(fresh_state: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """Approvers need a second factor; the pages stand behind a proxy on this machine."""
    root = tmp_path_factory.mktemp("factors")
    lay_state(fresh_state, root)
    (root / "ml-connector.yaml").write_text(SETTINGS)
    with open_house(root) as house:
        for name, role in NAMES.items():
            house.add_person(name, password=PASSWORD, roles=[role])
    with opening_door(root, SETTINGS) as url:
        yield Door(url, root)


def show(visitor: Visitor, code: str) -> Answer:
    """The second step."""
    return visitor.post("/sign-in/second/", {"code": code})


def test_code_is_asked_for_once_the_factor_works_and_each_is_good_once(door: Door) -> None:
    """Until it is shown nothing is open; whoever was in elsewhere is out."""
    here, elsewhere = door.visitor("anna"), door.visitor("anna")
    for nothing_begun in ({"code": "000000"}, {"what": "else"}, {}):
        assert here.post("/account/factor/", nothing_begun).status == 302
    begun = here.post("/account/factor/", {"what": "begin"})
    assert "data:image/svg+xml;base64," in begun.text
    assert here.post("/account/factor/", {"code": "000000"}).status == 422
    assert door.visitor("anna").get("/account/").status == 200
    app, codes = set_up_factor(here)
    assert len(set(codes)) == 10
    assert here.get("/account/").status == 200
    assert elsewhere.get("/account/").status == 302

    again = door.visitor()
    asked = again.sign_in("anna", way="/account/")
    assert asked.headers["Location"] == "/sign-in/second/"
    assert again.get("/account/").headers["Location"].startswith("/sign-in/?next=")
    code = app.show()
    entered = show(again, code)
    assert (entered.status, entered.headers["Location"]) == (302, "/account/")
    assert "10 recovery codes left" in again.get("/account/").text
    assert show(door.visitor("anna"), code).status == 422
    with open_house(door.root) as house:
        kept = house.list_secrets()
        told = find_events(house, "anna")
    assert kept == [] or all(not row.name.startswith("factor/") for row in kept)
    assert ("person.factor-added", "anna") in told


def test_recovery_code_opens_once_and_new_ones_end_the_old(door: Door) -> None:
    """However it is typed."""
    ben = door.visitor("ben")
    _, codes = set_up_factor(ben)
    assert show(door.visitor("ben"), codes[0].upper().replace("-", " ")).status == 302
    assert show(door.visitor("ben"), codes[0]).status == 422
    assert ben.post("/account/codes/", {}).status == 200
    assert show(door.visitor("ben"), codes[1]).status == 422
    with open_house(door.root) as house:
        assert ("person.code-used", "ben") in find_events(house, "ben")
    assert ben.post("/account/factor/remove/", {}).status == 302
    assert door.visitor("ben").get("/account/").status == 200


def test_role_that_asks_for_a_factor_opens_nothing_without_one(door: Door) -> None:
    """Neither pages nor the API, but for the page that sets it up; and it cannot be removed."""
    amir = door.visitor("amir")
    assert amir.get("/runs/").headers["Location"] == "/account/factor/"
    assert amir.call("GET", "/runs").status == 401
    assert amir.post("/account/password/", {}).headers["Location"] == "/account/factor/"
    assert "stay closed" in amir.get("/account/factor/").text
    set_up_factor(amir)
    assert amir.get("/runs/").status == 200
    assert amir.call("GET", "/runs").status == 200
    refused = amir.post("/account/factor/remove/", {})
    assert (refused.status, "asks for a second factor" in refused.text) == (422, True)


def test_admin_resets_a_lost_factor(door: Door) -> None:
    """It stands in the audit chain; a password alone opens again, and the old app does not."""
    cleo, root = door.visitor("cleo"), door.visitor("root")
    app, _ = set_up_factor(cleo)
    assert root.post("/people/cleo/", {"what": "factor"}).status == 302

    again = door.visitor("cleo")
    assert again.get("/account/").status == 200
    assert show(again, app.show()).headers["Location"] == "/sign-in/"
    with open_house(door.root) as house:
        assert ("person.factor-removed", "root") in find_events(house, "cleo")
    assert cleo.get("/account/").status == 302


@pytest.mark.long
def test_codes_are_not_guessed_at_for_long_though_the_password_is_right(door: Door) -> None:
    """Five from one place, and no more from many; the right one has to wait as well."""
    app, _ = set_up_factor(door.visitor("guess"))
    statuses = []
    for number in range(4):
        near = _Elsewhere(door.url, f"10.1.0.{number}")
        assert near.sign_in("guess").headers["Location"] == "/sign-in/second/"
        statuses += [show(near, f"{number}{one}0000").status for one in range(4)]
    assert statuses[:10] == [422] * 10
    assert set(statuses[10:]) <= {429, 302}
    assert statuses[10] == 429
    last = _Elsewhere(door.url, "10.1.0.99")
    assert last.sign_in("guess").headers["Location"] == "/sign-in/second/"
    assert show(last, app.show()).status == 429
    assert _Elsewhere(door.url, "10.1.0.99").sign_in("ben").status == 302


def test_who_guesses_behind_the_proxy_locks_out_nobody_else(door: Door) -> None:
    """Each browser has its own address, which the proxy alone may tell."""
    wrong = _Elsewhere(door.url, "10.2.0.1")
    assert [wrong.sign_in("slow", "wrong").status for _ in range(5)] == [422] * 4 + [429]
    assert wrong.sign_in("slow").status == 429
    assert _Elsewhere(door.url, "10.2.0.2").sign_in("slow").status == 302
    assert _Elsewhere(door.url, "9.9.9.9, 10.2.0.1").sign_in("slow").status == 429


def test_change_of_password_asks_for_the_one_of_now_and_ends_other_sessions(door: Door) -> None:
    """The session in which it was changed goes on."""
    here, elsewhere = door.visitor("root"), door.visitor("root")
    wrong = here.post("/account/password/", {"password": "x", "new": "another long word"})
    assert (wrong.status, "not your password" in wrong.text) == (422, True)
    weak = here.post("/account/password/", {"password": PASSWORD, "new": "short"})
    assert (weak.status, "too short" in weak.text) == (422, True)
    changed = here.post("/account/password/", {"password": PASSWORD, "new": PASSWORD[::-1]})
    assert changed.status == 302
    assert here.get("/account/").status == 200
    assert elsewhere.get("/account/").status == 302
    back = here.post("/account/password/", {"password": PASSWORD[::-1], "new": PASSWORD})
    assert back.status == 302


def test_password_is_not_guessed_at_in_an_open_session(door: Door) -> None:
    """As few wrong tries as at the door; then the right one has to wait as well."""
    here = _Elsewhere(door.url, "10.3.0.1")
    assert here.sign_in("pat").status == 302
    sent = {"password": "wrong", "new": "another long word"}
    statuses = [here.post("/account/password/", sent).status for _ in range(5)]
    assert statuses == [422] * 4 + [429]
    sent["password"] = PASSWORD
    assert here.post("/account/password/", sent).status == 429


def test_session_has_a_new_key_after_each_step(door: Door) -> None:
    """Who knew the key before knows nothing after."""
    visitor, keys = door.visitor(), []
    visitor.get("/sign-in/")
    visitor.sign_in("amir")
    keys.append(_key(visitor))
    visitor.sign_in("slow")
    keys.append(_key(visitor))
    visitor.post("/sign-out/", {})
    visitor.sign_in("slow")
    keys.append(_key(visitor))
    assert len(set(keys)) == 3
    assert None not in keys


def test_account_is_bound_and_freed_on_the_page_of_a_person(door: Door) -> None:
    """By an admin; a name without a host is refused."""
    root = door.visitor("root")
    assert root.post("/people/slow/", {"what": "bind", "account": "slow"}).status == 422
    assert root.post("/people/slow/", {"what": "bind", "account": "sl@desk"}).status == 302
    assert "sl@desk" in root.get("/people/slow/").text
    assert root.post("/people/slow/", {"what": "free", "account": "sl@desk"}).status == 302
    assert "sl@desk" not in root.get("/people/slow/").text


class _Elsewhere(Visitor):
    """A browser whose address the proxy tells."""

    def __init__(self, url: str, address: str) -> None:
        super().__init__(url)
        self._address = address

    def _send(self, request: Any) -> Answer:
        request.add_header("X-Forwarded-For", self._address)
        return super()._send(request)


def _key(visitor: Visitor) -> str | None:
    found = {cookie.name: cookie.value for cookie in visitor._cookies}
    return found.get("ml-connector-session")
