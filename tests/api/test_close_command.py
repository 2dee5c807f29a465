"""The close on the command line says what the page and the API say."""

import csv
import io
import json
from typing import Any

import pytest

from ml_connector.cli.main import run_command


def close(site: Any, *asked: str) -> int:
    """The command in the served project."""
    return run_command(["close", *asked, "--project", str(site.project)])


def ask(site: Any, token: str, path: str) -> Any:
    """What the API answers."""
    answer = site.visitor().call("GET", path, Authorization=f"Bearer {token}")
    return json.loads(answer.text)


def find_states(rows: list[dict[str, Any]]) -> dict[tuple[str, str], str]:
    """The word of each company's period."""
    return {(one["ledger"], one["period"]): one["state"] for one in rows}


def test_close_says_where_every_company_and_period_stands(
    site: Any, token: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same counts, stakes and periods as the API; amounts are text."""
    assert close(site, "--output", "json") == 0
    told = json.loads(capsys.readouterr().out)
    served = ask(site, token, "/close")
    for name in ("today", "periods", "tied", "late", "differing"):
        assert told[name] == served[name], name
    assert [one["unexplained"] for one in told["stakes"]] == [
        one["unexplained"] for one in served["stakes"]
    ]
    assert len(told["late_periods"]) == told["late"]
    assert told["burn_down"]["total"] == served["burn_down"]["total"]
    stored = ask(site, token, "/close/periods?limit=200")["items"]
    assert find_states(told["standings"]) == find_states(stored)
    assert (site.samples["ledger"], site.samples["period"]) in find_states(stored)


def test_close_shows_a_grid_and_takes_the_filters_of_the_page(
    site: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tables for people, the whole list as CSV, only what is open, of one flow and year."""
    assert close(site, "--flow", "actuals-fusion") == 0
    shown = capsys.readouterr()
    assert "tie out" in shown.err
    assert site.samples["ledger"] in shown.out
    assert "Working day" in shown.out
    assert close(site, "--open", "--output", "csv") == 0
    left = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {one["State"] for one in left}.isdisjoint({"tied out", "signed off"})
    assert close(site, "--year", "1999") == 0
    assert "0 of 0 periods" in capsys.readouterr().err
    assert close(site, "--flow", "nothing") == 2
    assert "There is no flow 'nothing'" in capsys.readouterr().err
    assert close(site, "--year", "3000") == 2
    capsys.readouterr()
