"""Tokens: what they open, for how long, and for whom."""

import json
from datetime import timedelta
from typing import Any

import pytest
from tests.pages.conftest import PASSWORD

from ml_connector.cli.main import run_command
from ml_connector.errors import ConnectorError
from ml_connector.ports import Right, Role
from ml_connector.web.api.tries import WRONG_MAX, WRONG_S, Tries


def call(
    site: Any, plain: str, method: str = "GET", path: str = "/people/me", body: Any = None
) -> Any:
    """A call with a token and nothing else."""
    return site.visitor().call(method, path, body, Authorization=f"Bearer {plain}")


def test_token_does_what_it_was_made_for_and_never_more_than_its_person(site: Any) -> None:
    """Rights are those of both, at the time of use; a person who is out takes the tokens along."""
    with site.house() as house:
        house.add_person("tom", password=PASSWORD, roles=[Role.OPERATOR, Role.MAPPER])
        token, plain = house.make_token("night", rights=[Right.SEE, Right.RUN], person="tom")

        told = json.loads(call(site, plain).text)
        assert told == {"name": "tom", "rights": ["run", "see"], "token": token.token_id}
        house.save_roles("tom", [Role.MAPPER])
        assert json.loads(call(site, plain).text)["rights"] == ["see"]
        assert call(site, plain, "POST", "/runs/none/cancel").status == 403
        house.save_active("tom", is_active=False)
        assert call(site, plain).status == 401
        house.save_active("tom", is_active=True)
        assert call(site, plain).status == 200
        house.revoke_token(token.token_id)
        assert call(site, plain).status == 401


def test_wrong_token_is_a_problem_that_says_what_to_do(site: Any, token: str) -> None:
    """And what is not a token at all is not looked for."""
    wrong = token[:-1] + ("A" if token[-1] != "A" else "B")
    for shown in (wrong, "", "x" * 5_000, "mlc_" + "0" * 12 + "_" + "a" * 43):
        answer = call(site, shown)
        assert answer.status == 401
        told = json.loads(answer.text)
        assert told["code"] == "api.refused"
        assert told["next_step"]
        assert not shown or shown not in answer.text
    basic = site.visitor().call("GET", "/people/me", Authorization="Basic YTpi")
    assert basic.status == 401


def test_address_of_the_manual_answers_a_token_with_the_document(site: Any, token: str) -> None:
    """A program looks there first; people are shown the page, and nobody is asked to sign in."""
    told = call(site, token, path="/")
    wrong = call(site, f"{token}x", path="/")

    assert (told.status, told.headers["Content-Type"]) == (200, "application/json")
    assert told.text == call(site, token, path="/openapi.json").text
    assert (wrong.status, json.loads(wrong.text)["code"]) == (401, "api.refused")
    assert call(site, token, "POST", "/").status in (403, 405)
    assert "<html" in site.member("viewer").get("/api/v1/").text
    assert site.visitor().get("/api/v1/").headers["Location"].startswith("/sign-in/")


def test_wrong_tokens_wait_and_known_ones_do_not() -> None:
    """Others behind the same proxy are let in; after a minute everybody is looked at again."""
    now = [0.0]
    tries = Tries(read_s=lambda: now[0])
    tries.record("proxy", "good", is_right=True)
    for _ in range(WRONG_MAX):
        assert tries.find_wait("proxy", "old") == 0
        tries.record("proxy", "old", is_right=False)
    assert tries.find_wait("proxy", "old") > 0
    assert tries.find_wait("proxy", "new") > 0
    assert tries.find_wait("proxy", "good") == 0
    assert tries.find_wait("elsewhere", "old") == 0
    tries.record("proxy", "good", is_right=False)
    assert tries.find_wait("proxy", "good") > 0
    now[0] += WRONG_S
    assert tries.find_wait("proxy", "old") == 0


def test_token_is_made_by_its_person_alone(site: Any) -> None:
    """An admin cannot act as somebody else; a token makes no tokens."""
    with site.house() as house:
        admin = house.acting_as("admin")
        with pytest.raises(ConnectorError, match="cannot make a token of viewer"):
            admin.make_token("theirs", rights=[Right.SEE], person="viewer")
        with pytest.raises(ConnectorError, match="has no right to decide"):
            admin.make_token("more", rights=[Right.SEE, Right.DECIDE])
        with pytest.raises(ConnectorError) as caught:
            admin.make_token(" ", rights=[], days=0)
        assert str(caught.value).count(";") == 2
        _, plain = admin.make_token(
            "own", rights=list(admin.records.people.find_person("admin").rights)
        )
    answer = call(site, plain, "POST", "/tokens", {"name": "more", "rights": ["see"]})
    assert answer.status == 403
    made = site.member("viewer").call("POST", "/tokens", {"name": "mine", "rights": ["see"]})
    assert made.status == 201
    assert call(site, json.loads(made.text)["secret"]).status == 200


def test_admin_takes_back_anybodys_and_others_only_their_own(site: Any) -> None:
    """A token with fewer rights than its person does not help."""
    with site.house() as house:
        token, plain = house.make_token("of viewer", rights=[Right.SEE], person="viewer")
        _, small = house.make_token("small", rights=[Right.SEE], person="admin")
        revoke = f"/tokens/{token.token_id}/revoke"
        assert site.member("operator").call("POST", revoke).status == 404
        assert call(site, small, "POST", revoke).status == 404
        shown = json.loads(call(site, small, "GET", "/tokens").text)["items"]
        assert {one["person"] for one in shown} == {"admin"}
        assert site.member("admin").call("POST", revoke).status == 200
        assert call(site, plain).status == 401
        events = [(row.event, row.actor) for row in house.records.audit.find(token.token_id)]
        assert events[-1] == ("token.revoked", "admin")
        assert events[0][0] == "token.made"


def test_token_ends_and_its_last_use_is_known_to_the_minute(site: Any) -> None:
    """Nothing but a digest is kept of what opens it."""
    with site.house() as house:
        token, plain = house.make_token("short", rights=[Right.SEE], person="viewer", days=1)
        store = house.records.tokens
        assert house.find_holder(plain) is not None
        used = store.find_token(token.token_id).used_at
        assert house.find_holder(plain) is not None
        assert store.find_token(token.token_id).used_at == used
        assert plain.rsplit("_", 1)[-1] not in store.find_digest(token.token_id)
        assert not token.is_live(token.expires_at)
        assert token.is_live(token.expires_at - timedelta(seconds=1))


def test_page_shows_a_new_token_once(site: Any) -> None:
    """Afterwards only its beginning is seen."""
    viewer = site.member("viewer")
    made = viewer.post("/tokens/add/", {"name": "sheet", "right": ["see"], "days": "30"})
    assert made.status == 200
    assert "mlc_" in made.text
    plain = made.text.partition('value="mlc_')[2].partition('"')[0]
    assert call(site, f"mlc_{plain}").status == 200
    page = viewer.get("/tokens/").text
    assert f"mlc_{plain[:12]}" in page
    assert plain not in page
    assert "Right to administer" not in page
    assert 'value="administer"' not in page
    refused = viewer.post("/tokens/add/", {"name": "", "right": ["run"], "days": "x"})
    assert refused.status == 422
    assert "viewer has no right to run" in refused.text
    assert viewer.post("/tokens/revoke/", {"token": plain[:12]}).status == 302
    assert call(site, f"mlc_{plain}").status == 401


def test_command_makes_lists_and_takes_back(site: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the connector runs; only what has to be shown stands on stdout."""
    where = ["--project", str(site.project)]
    assert run_command(["tokens", "add", "viewer", "a sheet", "--right", "see", *where]) == 0
    plain = capsys.readouterr().out.strip()
    assert call(site, plain).status == 200
    assert run_command(["tokens", "list", "viewer", *where]) == 0
    listed = capsys.readouterr().out
    assert plain[:16] in listed
    assert plain not in listed
    assert run_command(["tokens", "revoke", plain[:16], *where]) == 0
    assert call(site, plain).status == 401
    assert run_command(["tokens", "add", "viewer", "more", "--right", "run", *where]) == 2
    assert "viewer has no right to run" in capsys.readouterr().err
    assert run_command(["tokens", "revoke", "mlc_0", *where]) == 2
