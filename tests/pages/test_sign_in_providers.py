"""Signing in by a provider of OpenID Connect: who is let in, as whom, with which roles."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import build_opener

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.fakes.provider import CLIENT, SECRET, FakeProvider, serving_provider
from tests.fakes.standing import lay_state
from tests.pages.conftest import PASSWORD, Answer, Visitor, _Stay
from tests.pages.door import find_events, opening_door

from ml_connector.ports import Role
from ml_connector.records import create_organisation, open_records
from ml_connector.wiring import open_house

SETTINGS = """
organisation: north
key:
  file: .key
pages:
  sign_in:
    oidc:
      - name: plain
        title: Halden
        issuer: {issuer}
        client_id: {client}
        client_secret: secret:oidc
      - name: roles
        issuer: {issuer}
        client_id: {client}
        client_secret: secret:oidc
        adds_people: true
        roles_claim: groups
        roles: {{ledger: approver, boss: admin}}
"""


@dataclass(frozen=True, slots=True)
class Door:
    """The pages, the provider and the project behind them."""

    url: str
    provider: FakeProvider
    root: Path

    def enter(self, name: str, person: dict[str, Any], **spoilt: Any) -> tuple[Visitor, Answer]:
        """Somebody comes back from the provider, which says this of them."""
        self.provider.person, self.provider.spoilt = person, spoilt
        visitor = Visitor(self.url)
        return visitor, visitor.get(self.go(visitor, name))

    def go(self, visitor: Visitor, name: str) -> str:
        """The address that the provider sends the browser back to."""
        away = visitor.get(f"/sign-in/with/{name}/?next=/account/")
        assert away.status == 302, away.text
        assert away.headers["Location"].startswith(f"{self.provider.issuer}/authorize?")
        try:
            build_opener(_Stay()).open(away.headers["Location"], timeout=30)
        except HTTPError as moved:
            with moved:
                back = urlsplit(moved.headers["Location"])
        return f"{back.path}?{back.query}"


@pytest.fixture(scope="module")
def door(fresh_state: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """Two providers at one issuer: one knows people, the other also their roles."""
    root = tmp_path_factory.mktemp("door")
    lay_state(fresh_state, root)
    with serving_provider() as provider:
        settings = SETTINGS.format(issuer=provider.issuer, client=CLIENT)
        (root / "ml-connector.yaml").write_text("organisation: default\nkey:\n  file: .key\n")
        with open_house(root) as house:
            assert house.records is not None
            create_organisation("north")
            south = create_organisation_with_person("south")
            assert south.name == "sue"
        (root / "ml-connector.yaml").write_text(settings)
        with open_house(root) as house:
            house.save_secret("oidc", SECRET)
            for name in ("anna", "dan", "eve", "root", "twin-a", "twin-b"):
                house.add_person(
                    name, password=PASSWORD, email=f"{name.partition('-')[0]}@halden.example",
                    roles=[Role.ADMIN if name == "root" else Role.VIEWER],
                )  # fmt: skip
            house.save_active("dan", is_active=False)
        with opening_door(root, settings) as url:
            yield Door(url, provider, root)


def create_organisation_with_person(name: str) -> Any:
    """A person of another organisation, on the same database."""
    create_organisation(name)
    return open_records(name).people.create_person(
        "sue", password=None, roles=[Role.ADMIN], display_name="", email="sue@halden.example"
    )


@pytest.fixture(autouse=True)
def _honest(door: Door) -> None:
    provider = door.provider
    provider.spoilt, provider.userinfo, provider.other_key = {}, None, None
    provider.algorithm, provider.key_id, provider.by_basic = "RS256", "k1", False
    provider.shown_key_ids = ["k1"]


def person(sub: str, name: str, /, **more: Any) -> dict[str, Any]:
    """What an honest provider says of them."""
    return {"sub": sub, "email": f"{name}@halden.example", "email_verified": True, **more}


def test_person_is_bound_by_a_verified_address_and_then_known_by_the_subject(door: Door) -> None:
    """Whatever address the provider tells of them later; and led to where they came from."""
    signed_in = ("person.signed-in", "anna")
    with open_house(door.root) as house:
        before = find_events(house, "anna").count(signed_in)
    visitor, first = door.enter("plain", person("s-anna", "Anna"))
    assert (first.status, first.headers["Location"]) == (302, "/account/")
    page = visitor.get("/account/")
    assert "s-anna at" in page.text
    assert page.status == 200

    later, second = door.enter("plain", person("s-anna", "somebody.else", email_verified=False))
    assert second.status == 302
    assert "<dd>anna</dd>" in later.get("/account/").text
    with open_house(door.root) as house:
        told = find_events(house, "anna")
    assert ("person.identity-bound", "provider plain") in told
    assert told.count(signed_in) == before + 2


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (person("s-1", "eve", email_verified=False), "has not verified"),
        (person("s-1", "eve", email_verified=None), "has not verified"),
        ({"sub": "s-1"}, "does not say your e-mail"),
        (person("s-2", "nobody"), "nobody here has the address"),
        (person("s-3", "sue"), "nobody here has the address"),
        (person("s-4", "dan"), "may not sign in any more"),
        (person("s-5", "twin"), "several people here"),
        (person("s-other", "anna"), "bound to another account"),
    ],
)
def test_provider_knows_somebody_who_may_not_sign_in(
    door: Door, said: dict[str, Any], why: str
) -> None:
    """Unverified, unknown, of another organisation, disabled, not to be told apart, taken."""
    door.enter("plain", person("s-anna", "anna"))
    visitor, answer = door.enter("plain", said)

    assert answer.status == 403
    assert why in answer.text
    assert visitor.get("/account/").status == 302


def test_person_who_is_disabled_later_is_refused_though_bound(door: Door) -> None:
    """And sessions of theirs have ended."""
    visitor, _ = door.enter("plain", person("s-eve", "eve"))
    assert visitor.get("/account/").status == 200
    with open_house(door.root) as house:
        house.save_active("eve", is_active=False)
    assert visitor.get("/account/").status == 302
    assert door.enter("plain", person("s-eve", "eve"))[1].status == 403
    with open_house(door.root) as house:
        house.save_active("eve", is_active=True)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"nonce": "of another sign-in"}, {"nonce": None}, {"aud": "other"}, {"aud": None},
        {"iss": "https://login.evil.example"}, {"iss": None}, {"sub": None}, {"sub": ""},
        {"exp": -120}, {"exp": None}, {"iat": None}, {"iat": 600}, {"nbf": 600}, {"azp": "other"},
    ],
    ids=lambda spoilt: "-".join(f"{k}={v}" for k, v in spoilt.items()),
)  # fmt: skip
def test_token_that_proves_nothing_lets_nobody_in(door: Door, spoilt: dict[str, Any]) -> None:
    """Of another sign-in, client, provider or time, or silent about one of them.

    Instants are given in seconds from now.
    """
    claims = {
        name: int(time.time()) + its if isinstance(its, int) else its
        for name, its in spoilt.items()
    }
    visitor, answer = door.enter("plain", person("s-anna", "anna"), **claims)

    assert answer.status == 403
    assert "The provider plain sends" in answer.text
    assert visitor.get("/account/").status == 302


def test_token_signed_by_nobody_known_lets_nobody_in(door: Door) -> None:
    """By no key, by our own secret, by another key of the same name, by a key not shown."""
    for algorithm in ("none", "HS256"):
        door.provider.algorithm = algorithm
        assert door.enter("plain", person("s-anna", "anna"))[1].status == 403
    door.provider.algorithm = "RS256"
    door.provider.other_key = rsa.generate_private_key(65537, 2048)
    assert door.enter("plain", person("s-anna", "anna"))[1].status == 403
    door.provider.other_key, door.provider.key_id = None, "k9"
    refused = door.enter("plain", person("s-anna", "anna"))[1]
    assert (refused.status, "by a key it does not show" in refused.text) == (403, True)


def test_answer_is_taken_once_and_only_by_who_has_asked(door: Door) -> None:
    """Another browser, another state, twice, another provider's, an error: nobody is signed in."""
    door.provider.person = person("s-anna", "anna")
    victim, stranger = Visitor(door.url), Visitor(door.url)
    back = door.go(victim, "plain")

    for answer in (
        stranger.get(back),
        victim.get(back.replace("state=", "state=x")),
        victim.get(back.replace("/plain/", "/roles/")),
    ):
        assert answer.status == 422
        assert "begun elsewhere, twice, or too long ago" in answer.text
    uncalled = Visitor(door.url).get(back).headers
    assert "ml-connector-session" not in str(uncalled), "no session is kept for it"
    assert victim.get(door.go(victim, "plain").replace("iss=http", "iss=https")).status == 422
    assert (
        victim.get(door.go(victim, "plain").replace("code=", "error=access_denied&c=")).status
        == 422
    )
    assert victim.get(door.go(victim, "plain").replace("code=", "code=x")).status == 403
    last = door.go(victim, "plain")
    assert victim.get(last).status == 302
    assert victim.get(last).status == 422
    assert stranger.get("/account/").status == 302
    assert stranger.get("/sign-in/with/nobody/").status == 404


def test_roles_are_what_the_claim_says_at_each_sign_in(door: Door) -> None:
    """Somebody unknown is added with them; a group that nobody maps gives nothing."""
    mia = person("s-mia", "mia", name="Mia Moe", groups=["ledger", "admin", "others"])
    assert door.enter("roles", {**mia, "groups": ["admin", "root"]})[1].status == 403
    assert door.enter("roles", mia)[1].status == 302
    assert _roles(door, "mia") == {Role.APPROVER}

    assert door.enter("roles", {**mia, "groups": "boss"})[1].status == 302
    assert _roles(door, "mia") == {Role.ADMIN}
    assert door.enter("roles", {**mia, "groups": []})[1].status == 302
    assert _roles(door, "mia") == frozenset()
    with open_house(door.root) as house:
        told = find_events(house, "mia")
    assert told.count(("person.roles", "provider roles")) == 2
    assert ("person.added", "provider roles") in told
    assert "x@halden.example" not in {one.email for one in _people(door)}


def test_last_admin_stays_one_whatever_the_provider_says(door: Door) -> None:
    """Else nobody could give roles any more; the audit chain says that it was tried."""
    assert door.enter("roles", person("s-root", "root", groups=["ledger"]))[1].status == 302
    assert _roles(door, "root") == {Role.ADMIN}
    with open_house(door.root) as house:
        assert ("person.roles-kept", "provider roles") in find_events(house, "root")


def test_what_the_token_leaves_out_is_asked_for_and_must_be_of_the_same_subject(
    door: Door,
) -> None:
    """By the access token; the secret in the header where the provider wants it there."""
    door.provider.by_basic = True
    door.provider.userinfo = person("s-anna", "anna")
    said = {"sub": "s-anna"}
    with open_house(door.root) as house:
        provider = house.find_provider("plain")
        way = provider.begin("http://127.0.0.1/back")
        door.provider.person = said
        code = _fetch_code(way.address)
        claims = provider.read_claims(
            code, nonce=way.nonce, verifier=way.verifier, back="http://127.0.0.1/back"
        )
        assert (claims.email, claims.is_email_verified) == ("anna@halden.example", True)
        door.provider.userinfo = person("s-somebody", "anna")
        way = provider.begin("http://127.0.0.1/back")
        code = _fetch_code(way.address)
        with pytest.raises(Exception, match="another subject than its token"):
            provider.read_claims(
                code, nonce=way.nonce, verifier=way.verifier, back="http://127.0.0.1/back"
            )
        door.provider.userinfo = None
        way = provider.begin("http://127.0.0.1/back")
        code = _fetch_code(way.address)
        with pytest.raises(Exception, match="does not take the code"):
            provider.read_claims(code, nonce=way.nonce, verifier="x", back="http://127.0.0.1/back")


def test_verified_is_the_address_it_was_said_of_and_no_other(door: Door) -> None:
    """What is asked for besides, such as groups, vouches for no address of the token."""
    door.provider.userinfo = person("s-sly", "sly", groups=["ledger"])
    claimed = {"sub": "s-sly", "email": "eve@halden.example"}
    with open_house(door.root) as house:
        provider = house.find_provider("roles")
        way = provider.begin("http://127.0.0.1/back")
        door.provider.person = claimed
        claims = provider.read_claims(
            _fetch_code(way.address), nonce=way.nonce, verifier=way.verifier,
            back="http://127.0.0.1/back",
        )  # fmt: skip
    assert (claims.email, claims.is_email_verified) == ("eve@halden.example", False)
    assert claims.groups == ("ledger",)


def test_page_offers_the_providers_and_ours_is_asked_for_nothing_else(door: Door) -> None:
    """A link for each, by its title; the way back is kept."""
    page = Visitor(door.url).get("/sign-in/?next=/runs/")
    assert "Sign in with Halden" in page.text
    assert "/sign-in/with/plain/?next=%2Fruns%2F" in page.text
    assert "or by password" in page.text


def _fetch_code(address: str) -> str:
    try:
        build_opener(_Stay()).open(address, timeout=30)
    except HTTPError as moved:
        with moved:
            query = urlsplit(moved.headers["Location"]).query
    return query.partition("code=")[2].partition("&")[0]


def _people(door: Door) -> list[Any]:
    with open_house(door.root) as house:
        return list(house.records.people.load_people())


def _roles(door: Door, name: str) -> frozenset[Role]:
    return next(one.roles for one in _people(door) if one.name == name)
