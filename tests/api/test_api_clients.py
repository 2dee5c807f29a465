"""What clients send that is not quite right: told as a problem, with words that help; never 500."""

import json
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from tests.api.writer import await_idle
from tests.pages.conftest import PASSWORD

RULES = "/mapping/actuals-fusion/test"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PARTS = {"Content-Type": "multipart/form-data; boundary=x"}
PART = b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n--x--\r\n'
ASKED = b'{"facts": {"account": "1"}, "on": %s}'


class Odd(NamedTuple):
    """A call that is refused, and what is said of it."""

    status: int
    said: str
    method: str
    path: str
    body: bytes = b""
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed.


ODD = (
    Odd(422, "query.colour: No such parameter; there are: after, flow", "GET", "/runs?colour=red"),
    Odd(422, "query.state: No such parameter; there are: none", "GET", "/people/me?state=x"),
    Odd(422, "query.Limit: No such", "GET", "/runs?Limit=1"),
    Odd(422, "query.limit: Given 2 times", "GET", "/runs?limit=1&limit=2"),
    Odd(422, "greater than or equal to 1", "GET", "/runs?limit=0"),
    Odd(422, "less than or equal to 200", "GET", "/runs?limit=201"),
    Odd(422, "query.limit: Input should be a valid integer", "GET", "/runs?limit=x"),
    Odd(422, "no place 'controllers'", "GET", "/runs?after=controllers"),
    Odd(422, "written as 2026-10-31", "GET", "/reconciliation?first=20261031"),
    Odd(422, "written as 2026-10-31", "GET", "/reconciliation?last=2026-10-31T00:00:00"),
    Odd(422, "month value", "GET", "/reconciliation?last=2026-13-31"),
    Odd(422, "written as 2026-10-31", "POST", RULES, ASKED % b"1793404800"),
    Odd(422, "written as 2026-10-31", "POST", RULES, ASKED % b'"2026-10-31T23:00:00+02:00"'),
    Odd(400, "it is no JSON: ", "POST", RULES, b"facts=x", FORM),
    Odd(400, "it is no JSON: ", "POST", RULES, PART % (b"facts", b"x"), PARTS),
    Odd(400, "it is no JSON: ", "PUT", "/unmapped/owner", PART % (b"owner", b"x"), PARTS),
    Odd(400, "it is no JSON: ", "POST", RULES, b'{"facts": {"account": "\xfc"}}'),
    Odd(400, "the name 'on' is there twice", "POST", RULES, b'{"on": "2026-10-31", "on": 1}'),
    Odd(400, "it is no JSON object", "POST", RULES, b"[1]"),
    Odd(422, "body: Field required", "POST", RULES),
    Odd(422, "Nothing is read of it", "POST", "/runs/{run}/retry", b'{"dry_run": true}'),
    Odd(422, "at most 200", "POST", "/flows/actuals-fusion/runs", b"{}",
        {"Idempotency-Key": "k" * 201}),
    Odd(404, "none ends with a slash", "GET", "/runs/"),
    Odd(404, "none ends with a slash", "POST", "/flows/actuals-fusion/runs/", b"{}"),
    Odd(404, "nothing at /api/v1//runs", "GET", "//runs"),
    Odd(404, "nothing at /api/v1/flows/a/b", "GET", "/flows/a%2Fb"),
    Odd(404, "nothing at /api/v1/RUNS", "PATCH", "/RUNS"),
    Odd(404, "nothing at /api/v1.", "GET", ""),
    Odd(404, "no flow '\u20ac'", "GET", "/flows/%E2%82%AC"),
    Odd(422, "path.name", "GET", "/flows/%00"),
    Odd(404, "No run has looked at No such/Oct", "GET",
        "/reconciliation/period?flow=actuals-fusion&ledger=x&period=No%20such%2FOct"),
    Odd(405, "Use GET, HEAD", "OPTIONS", "/runs"),
    Odd(405, "Use POST", "GET", "/flows/actuals-fusion/runs"),
    Odd(405, "Use GET, HEAD", "TRACE", "/runs"),
    Odd(405, "Use GET", "PATCH", "/openapi.json"),
    Odd(405, "Use GET", "POST", "/", b"{}"),
    Odd(401, "Only bearer tokens", "GET", "/runs", b"", {"Authorization": "Basic YTpi"}),
    Odd(401, "no token was shown", "GET", "/runs?token=mlc_1", b"", {"Authorization": ""}),
    Odd(401, "The token opens nothing", "GET", "/runs", b"", {"Authorization": "Bearer {revoked}"}),
    Odd(401, "The token opens nothing", "GET", "/runs", b"", {"Authorization": "Bearer {gone}"}),
)  # fmt: skip


# Of the session, as the people it adds: a worker may come back to this module.
@pytest.fixture(scope="session")
def known(site: Any, token: str) -> dict[str, str]:
    """Parts of calls: a run, tokens that open everything or nothing any more."""
    from ml_connector.ports import Right, Role  # noqa: PLC0415 - only tests that ask pay.

    with site.house() as house:
        revoked, plain = house.make_token("old", rights=[Right.SEE], person="viewer")
        house.revoke_token(revoked.token_id)
        house.add_person("leaver", password=PASSWORD, roles=[Role.VIEWER])
        _, gone = house.make_token("gone", rights=[Right.SEE], person="leaver")
        house.save_active("leaver", is_active=False)
    return {"run": site.run_id, "token": token, "revoked": plain, "gone": gone}


def send(site: Any, odd: Odd, known: dict[str, str]) -> tuple[Any, bytes]:
    """The answer, as it came."""
    at = urlsplit(site.url)
    line = HTTPConnection(str(at.hostname), at.port, timeout=60)
    shown = {"Authorization": "Bearer {token}", **odd.headers}
    headers = {name: text.format(**known) for name, text in shown.items()}
    try:
        path = f"/api/v1{odd.path.format(**known)}"
        line.request(odd.method, path, body=odd.body or None, headers=headers)
        answer = line.getresponse()
        return answer, answer.read()
    finally:
        line.close()


def test_odd_calls_are_problems_that_say_what_is_odd(site: Any, known: dict[str, str]) -> None:
    """With the status of its kind, all words of a problem, and nothing done."""
    for odd in ODD:
        answer, content = send(site, odd, known)
        assert answer.status == odd.status, (odd, content)
        assert answer.headers["Content-Type"] == "application/problem+json", odd
        assert answer.headers["Cache-Control"] == "no-store", odd
        told = json.loads(content)
        assert odd.said in told["detail"], (odd, told["detail"])
        assert told["status"] == odd.status
        assert told["next_step"], odd
        assert bool(answer.headers["Allow"]) is (odd.status == 405), odd


def test_bodies_are_json_whatever_they_are_called(site: Any, known: dict[str, str]) -> None:
    """A client's own name for it changes nothing, nor does what it would rather accept."""
    body = ASKED % b'"2026-10-31"'
    for named in ("text/plain", "application/xml", *FORM.values(), *PARTS.values()):
        headers = {"Content-Type": named, "Accept": "text/html"}
        answer, content = send(site, Odd(200, "", "POST", RULES, body, headers), known)
        assert answer.status == 200, (named, content)
        assert answer.headers["Content-Type"].startswith("application/json")


def test_form_of_a_session_is_no_fault_of_ours(site: Any) -> None:
    """Its form token is looked for in the body, which is then still there to be read."""
    viewer = site.visitor("viewer")
    cookies = {one.name: one.value for one in viewer._cookies}
    headers = {
        **PARTS, "Authorization": "",
        "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
    }  # fmt: skip
    body = PART % (b"csrfmiddlewaretoken", cookies["ml-connector-csrf"].encode())
    answer, content = send(site, Odd(400, "", "POST", RULES, body, headers), {})
    assert answer.status == 400, content
    assert "it is no JSON" in json.loads(content)["refused"]


def test_head_is_answered_as_get_without_what_follows(site: Any, token: str) -> None:
    """By pages as well; the next answer of the same line is the next one's."""
    at = urlsplit(site.url)
    line = HTTPConnection(str(at.hostname), at.port, timeout=60)
    shown = {"Authorization": f"Bearer {token}"}
    try:
        for path in ("/api/v1/people/me", "/sign-in/", "/api/v1/runs/none", "/api/v1/audit/export"):
            told = []
            for method in ("HEAD", "GET"):
                line.request(method, path, headers=shown)
                answer = line.getresponse()
                told.append((answer.status, answer.headers["Content-Type"]))
                assert bool(answer.read()) is (method == "GET"), path
            assert told[0] == told[1]
    finally:
        line.close()


def test_calls_of_one_key_at_once_are_one_run(
    site: Any, known: dict[str, str], systems: Any
) -> None:
    """Whoever comes second is told of the first's."""
    await_idle(site, systems, "dimensions-fusion")
    call = Odd(
        202, "", "POST", "/flows/dimensions-fusion/runs", b'{"dry_run": true}',
        {"Idempotency-Key": "all at once"},
    )  # fmt: skip
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: send(site, call, known), range(4)))
    assert {answer.status for answer, _ in answers} == {202}, answers
    assert len({json.loads(content)["run_id"] for _, content in answers}) == 1
