"""What calls answer: runs once for each key, pages of rows, problems that say what to do."""

import json
from typing import Any

import pytest
from tests.api.writer import await_idle
from tests.fakes.decision_seeds import plant_refusals

from ml_connector.errors import (
    BusyError,
    ConnectorError,
    DatabaseAwayError,
    OutcomeUnknownError,
    StoredError,
    UsageError,
)
from ml_connector.web.api.problems import STATUSES, find_status, render_problem


def ask(site: Any, token: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
    """A call with every right."""
    return site.visitor().call(method, path, body, Authorization=f"Bearer {token}", **headers)


def test_same_key_starts_one_run_and_another_call_of_it_is_refused(
    site: Any, token: str, systems: Any
) -> None:
    """A lost answer is asked for again without a second run; the body counts."""
    await_idle(site, systems, "dimensions-fusion")
    path, key = "/flows/dimensions-fusion/runs", {"Idempotency_Key": "close-oct"}
    first = ask(site, token, "POST", path, {"dry_run": True}, **key)
    again = ask(site, token, "POST", path, {"dry_run": True}, **key)
    other = ask(site, token, "POST", path, {"dry_run": False}, **key)

    assert (first.status, again.status, other.status) == (202, 202, 422), first.text
    assert json.loads(first.text)["run_id"] == json.loads(again.text)["run_id"]
    assert json.loads(other.text)["code"] == "api.reused-key"
    run = ask(site, token, "GET", f"/runs/{json.loads(first.text)['run_id']}")
    assert json.loads(run.text)["actor"] == "everything"


def test_runs_are_told_page_by_page_each_once(site: Any, token: str) -> None:
    """By a key, so that runs which begin meanwhile move nothing."""
    with site.house() as house:
        wanted = [row.run_id for row in house.records.runs.load_runs(limit=100)]
    seen, after = [], ""
    while True:
        told = json.loads(ask(site, token, "GET", f"/runs?limit=1&after={after}").text)
        seen += [one["run_id"] for one in told["items"]]
        after = told["next"]
        if after is None:
            break
    assert set(wanted) <= set(seen)
    assert len(seen) == len(set(seen))
    assert ask(site, token, "GET", "/runs?after=nothing").status == 422
    assert ask(site, token, "GET", "/runs?limit=0").status == 422


def test_amounts_are_decimal_text_and_instants_utc(site: Any, token: str) -> None:
    """No reader rounds them, and none has to guess a zone."""
    found = json.loads(ask(site, token, "GET", "/reconciliation?flow=actuals-fusion").text)["items"]
    assert found
    for one in found:
        assert one["at"].endswith("Z")
        for row in one["amounts"]:
            assert isinstance(row["erp"], str)
            assert row["unexplained"] == "0"


def test_faults_of_a_call_are_told_all_at_once(site: Any, token: str) -> None:
    """Each with its place; unknown words are faults as well."""
    body = {"periods": "Oct-26", "dry_run": "maybe", "colour": "red"}
    answer = ask(site, token, "POST", "/flows/actuals-fusion/runs", body)

    told = json.loads(answer.text)
    assert answer.status == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert {fault["where"].split(".")[-1] for fault in told["faults"]} == {
        "periods", "dry_run", "colour",
    }  # fmt: skip
    assert told["written"] == "Nothing was done."
    kind = ask(site, token, "GET", told["type"].removeprefix("/api/v1"))
    assert json.loads(kind.text)["title"] == told["title"]


def test_version_of_rules_is_a_number_or_the_file(site: Any, token: str) -> None:
    """Whatever else is typed is quoted, and not taken for a version there is not."""
    path = "/mapping/actuals-fusion/diff?before="
    typed = ("one", "1" * 30, "999")
    told = [json.loads(ask(site, token, "GET", path + what).text) for what in typed]

    assert [answer["status"] for answer in told] == [404] * 3
    assert "'one' is no version" in told[0]["detail"]
    assert f"'{typed[1]}' is no version" in told[1]["detail"]
    assert "no version 999" in told[2]["detail"]


def test_replay_takes_causes_letter_by_letter(site: Any, token: str) -> None:
    """Long ones and with their spaces; one that nothing is refused for starts no run."""
    path = "/flows/actuals-fusion/replays"
    long = ask(site, token, "POST", path, {"causes": ["x" * 400]})
    nul = ask(site, token, "POST", path, {"keys": [["\x00"]]})

    assert (long.status, nul.status) == (422, 422)
    assert json.loads(long.text)["code"] == "actions.nothing-refused"
    assert json.loads(nul.text)["code"] == "api.unfit"


def test_refused_lines_of_a_run_go_on_within_a_summary(site: Any, token: str) -> None:
    """Page after page each line once, however the lines of a summary fall upon pages."""
    with site.house() as house:  # Others of these tests have replayed what was refused.
        plant_refusals(house, run_id=site.run_id)
    path = f"/runs/{site.run_id}/lines"
    whole = json.loads(ask(site, token, "GET", f"{path}?limit=200").text)["items"]
    seen, after = [], ""
    while True:
        told = json.loads(ask(site, token, "GET", f"{path}?limit=2&after={after}").text)
        seen += told["items"]
        after = told["next"]
        if after is None:
            break
    assert len(whole) > 2
    assert seen == whole
    assert 1 < len({tuple(one["intersection"]) for one in whole}) < len(whole)


@pytest.mark.parametrize(
    ("sent", "status"),
    [(b"", 422), (b"[1]", 400), (b"{", 400), (b'{"a": NaN}', 400), (b"[" * 100_000, 400),
     (b"\xff", 400), (b"x" * 1_000_001, 413)],
)  # fmt: skip
def test_body_that_is_no_object_is_refused(site: Any, token: str, sent: bytes, status: int) -> None:
    """Nor is one read that is too large."""
    from urllib.request import Request  # noqa: PLC0415 - this test sends bytes of its own.

    visitor = site.visitor()
    request = Request(
        f"{site.url.rstrip('/')}/api/v1/flows/actuals-fusion/runs", data=sent, method="POST",
        headers={"Authorization": f"Bearer {token}"},
    )  # fmt: skip
    answer = visitor._send(request)
    assert answer.status == status, answer.text
    assert json.loads(answer.text)["refused"]


def test_another_method_is_told_which_there_are(site: Any, token: str) -> None:
    """Also a problem, with the header the standard asks for."""
    answer = ask(site, token, "DELETE", "/runs")
    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, HEAD"


def test_status_says_who_is_to_do_what_next() -> None:
    """By class, the nearest one; errors read back from the history keep theirs."""
    text = {"written": "", "next_step": ""}
    assert find_status(UsageError("x", **text)) == 422
    assert find_status(BusyError("x", **text)) == 409
    assert find_status(DatabaseAwayError("db", "gone", is_back=lambda: False)) == 503
    assert find_status(OutcomeUnknownError("x", **text)) == 500
    assert find_status(StoredError(BusyError("x", **text).render_record())) == 409
    missing = {
        one for one in ConnectorError.__subclasses__() if one.__module__ == "ml_connector.errors"
    }
    assert missing - set(STATUSES) == {StoredError}


def test_absent_database_is_told_without_saying_where_it_is() -> None:
    """Whoever calls may be nobody we know; the rest of what a program needs stands."""
    away = DatabaseAwayError("ml@db.internal", "refused by 10.0.0.7", is_back=lambda: False)

    answer = render_problem(away)

    told = json.loads(answer.content)
    assert (answer.status_code, told["code"], answer["Retry-After"]) == (503, "database-away", "5")
    assert told["refused"] == "The records do not answer."
    assert "internal" not in answer.content.decode()
    assert "10.0.0.7" not in answer.content.decode()
