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


def test_close_says_where_every_company_and_period_stands(
    site: Any, token: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same counts, stakes and periods as the API; amounts are text."""
    assert close(site, "--output", "json") == 0
    told = json.loads(capsys.readouterr().out)
    answer = site.visitor().call("GET", "/close", Authorization=f"Bearer {token}")
    served = json.loads(answer.text)
    for name in ("today", "periods", "tied", "late", "differing"):
        assert told[name] == served[name], name
    assert [one["unexplained"] for one in told["stakes"]] == [
        one["unexplained"] for one in served["stakes"]
    ]
    assert told["late_periods"] == []
    assert told["burn_down"]["total"] == served["burn_down"]["total"]
    states = {(one["ledger"], one["period"]): one["state"] for one in told["standings"]}
    assert states[site.samples["ledger"], site.samples["period"]] == "signed off"


def test_close_shows_a_grid_and_takes_the_filters_of_the_page(
    site: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tables for people, the whole list as CSV, only what is open, of one flow and year."""
    assert close(site, "--flow", "actuals-fusion") == 0
    shown = capsys.readouterr()
    assert "tie out" in shown.err
    assert "signed off" in shown.out
    assert "Working day" in shown.out
    assert close(site, "--open", "--output", "csv") == 0
    assert list(csv.reader(io.StringIO(capsys.readouterr().out)))[1:] == []
    assert close(site, "--year", "1999") == 0
    assert "0 of 0 periods" in capsys.readouterr().err
    assert close(site, "--flow", "nothing") == 2
    assert "There is no flow 'nothing'" in capsys.readouterr().err
    assert close(site, "--year", "3000") == 2
    capsys.readouterr()
