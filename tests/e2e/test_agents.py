"""What an agent may: ask, plan, let plans wait for people; nothing else, and by its own name."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scripts.sandbox_servers import running_sandbox
from tests.conftest import ACTUALS, ONE_LEDGER, Company, Office, ProjectMaker, fill_lists
from tests.fakes.budget_desk import FLOW, BudgetDesk

import ml_connector
from ml_connector.cli.agent_answers import ROWS_MAX, render
from ml_connector.cli.agents import make_server
from ml_connector.cli.options import Options
from ml_connector.errors import BlockedError
from ml_connector.flows.answers.listing import Listing, Money
from ml_connector.wiring.house import find_account, open_house

SOURCE_ROOT = Path(ml_connector.__file__).parents[1]
READING = {
    "status", "list_runs", "show_run", "reconciliation", "refused", "unmapped", "trace",
    "schedules", "approvals",
}  # fmt: skip
PLANNING = {"plan", "ask_for_approval"}
ANSWERED_S = 240
"""A plan takes seconds; a machine that does much else is given minutes."""
Asked = tuple[str, dict[str, Any]]


def call(server: Any, tool: str, **arguments: Any) -> dict[str, Any]:
    """The tool's answer, as the protocol hands it on."""
    told: Any = asyncio.run(server.call_tool(tool, arguments))
    answer: dict[str, Any] = told[1] if isinstance(told, tuple) else json.loads(told[0].text)
    return answer


@pytest.mark.long
def test_agent_asks_over_standard_input_and_output(office: Any) -> None:
    """By the protocol's own client: tools, answers, an error's three sentences, a clean end."""
    from mcp import ClientSession, StdioServerParameters  # noqa: PLC0415 - an extra.
    from mcp.client.stdio import stdio_client  # noqa: PLC0415 - as above.

    run = office.run()
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "ml_connector", "mcp", "--name", "helper", "--project", str(office.root)],
        env={**os.environ, "PYTHONPATH": str(SOURCE_ROOT)},
    )
    questions: tuple[tuple[str, dict[str, Any]], ...] = (
        ("status", {}), ("list_runs", {"flow": "actuals-fusion"}),
        ("show_run", {"run_id": run.run_id}),
        ("reconciliation", {}), ("refused", {}), ("unmapped", {}), ("schedules", {}),
        ("approvals", {}), ("trace", {"key": run.run_id}), ("plan", {"flow": "nothing"}),
        ("ask_for_approval", {"flow": "actuals-fusion"}), ("show_run", {}),
    )  # fmt: skip

    async def talk() -> tuple[dict[str, Any], list[Any]]:
        async with stdio_client(command) as (reader, writer), ClientSession(reader, writer) as it:
            await it.initialize()
            tools = {one.name: one.annotations for one in (await it.list_tools()).tools}
            return tools, [await it.call_tool(name, asked) for name, asked in questions]

    tools, answers = asyncio.run(talk())

    assert {name for name, hints in tools.items() if hints.readOnlyHint} == READING
    assert set(tools) == READING | PLANNING
    assert [answer.isError for answer in answers] == [False] * 9 + [True] * 3
    told = [answer.structuredContent for answer in answers[:9]]
    assert told[1]["rows"][0][0] == told[2]["run"] == run.run_id
    assert told[2]["state"] == "succeeded"
    assert any("USD" in str(row) for row in told[2]["results"]["Tie-out"]["rows"])
    assert told[3]["rows"]
    refusal = answers[9].content[0].text
    assert "There is no flow 'nothing'" in refusal
    assert "Nothing was read or sent.\nNext:" in refusal
    assert "[usage]" in refusal


@pytest.fixture
def walking(fresh_state: Path, tmp_path: Path) -> Iterator[Office]:
    """A project of one ledger whose sandbox keeps real time, as a process beside needs it.

    A sandbox that stands still until it is moved answers nobody who waits by the machine's clock:
    what Anaplan prepares for a download is never ready.
    """
    with running_sandbox(tmp_path / "sandbox", lines=600, only=("fusion", "anaplan")) as servers:
        state = tmp_path / "sandbox"
        company = Company(
            fusion=servers["fusion"], anaplan=servers["anaplan"], jde="", state_dir=state
        )
        fill_lists(company)
        root = tmp_path / "office"
        ProjectMaker(company=company, root=root, state=fresh_state).make(**ONE_LEDGER)
        yield Office(company=company, root=root, clock=company.clock())


@pytest.mark.long
def test_agent_plans_over_standard_input_and_output_and_applies_nothing(walking: Office) -> None:
    """The plan comes, in money, by the agent's name; what would apply it is nothing it can call.

    Only people's approval leads from a plan to the ledger or the model.
    """
    planned, refused = asyncio.run(
        talk_to(
            walking.root, ("plan", {"flow": ACTUALS}),
            *((name, {"flow": ACTUALS}) for name in ("run", "apply", "approve", "decide")),
        )
    )  # fmt: skip

    assert not planned.isError, planned.content
    told = planned.structuredContent
    assert (told["state"], told["asked"]) == ("succeeded", {"dry_run": True})
    assert told["by"] == f"agent:helper/{find_account()}"
    assert any("USD" in str(row) for row in told["results"]["Plan"]["rows"])
    assert all(one.isError and "Unknown tool" in one.content[0].text for one in refused)
    assert walking.company.cells() == {}
    with open_house(walking.root) as house:
        assert [run.run_id for run in house.records.runs.load_runs()] == [told["run"]]


async def talk_to(root: Path, first: Asked, *rest: Asked) -> tuple[Any, list[Any]]:
    """What the command answers to the protocol's own client: to the first, and to the others."""
    from mcp import ClientSession, StdioServerParameters  # noqa: PLC0415 - an extra.
    from mcp.client.stdio import stdio_client  # noqa: PLC0415 - as above.

    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "ml_connector", "mcp", "--name", "helper", "--project", str(root)],
        env={**os.environ, "PYTHONPATH": str(SOURCE_ROOT)},
    )
    async with (
        asyncio.timeout(ANSWERED_S),
        stdio_client(command) as (reader, writer),
        ClientSession(reader, writer) as it,
    ):
        await it.initialize()
        name, asked = first
        answer = await it.call_tool(name, asked)
        return answer, [await it.call_tool(name, asked) for name, asked in rest]


@pytest.mark.long
def test_agent_plans_by_its_own_name_and_sends_nothing(
    office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The audit chain names the agent and whom it acts for; the model stays empty."""
    monkeypatch.setattr("ml_connector.wiring.stopping.machine_clock", lambda _stop: office.clock)
    server = make_server(Options(project=office.root), "helper")

    planned = call(server, "plan", flow="actuals-fusion")

    assert planned["by"] == f"agent:helper/{find_account()}"
    assert planned["asked"]["dry_run"] is True
    assert any("USD" in str(row) for row in planned["results"]["Plan"]["rows"])
    with open_house(office.root) as house:
        links = house.records.audit.find(planned["run"])
    assert {row.actor for row in links if row.event == "run.started"} == {planned["by"]}
    assert office.company.cells() == {}


@pytest.mark.long
def test_plan_that_an_agent_asked_for_is_approved_by_another_than_its_owner(
    budget_desk: BudgetDesk, monkeypatch: pytest.MonkeyPatch, approved: Any
) -> None:
    """It waits; neither the agent nor whoever it acts for can approve it, by any of their names."""
    budget_desk.change(approval={"people": 1})
    monkeypatch.setattr(
        "ml_connector.wiring.stopping.machine_clock", lambda _stop: budget_desk.clock
    )
    monkeypatch.setattr("ml_connector.wiring.house.find_account", lambda: "anna@desk")
    server = make_server(Options(project=budget_desk.root), "helper")

    asked = call(server, "ask_for_approval", flow=FLOW)
    assert asked["by"] == "agent:helper/anna@desk"
    [row] = call(server, "approvals")["rows"]
    with budget_desk.house() as house:
        [waiting] = house.records.approvals.load_approvals()
        assert waiting.maker == "agent:helper/anna@desk"
        for actor in ("anna@desk", "agent:helper/anna@desk", "agent:other/anna@desk"):
            with pytest.raises(BlockedError):
                house.acting_as(actor).decide(waiting.plan_hash, approves=True, reason="mine")
        done = house.acting_as("carl@desk").decide(waiting.plan_hash, approves=True, reason="fits")
    assert str(done.state) == "approved"
    assert waiting.plan_hash[:8] in str(row)


@pytest.mark.long
def test_flow_that_asks_nobody_is_not_an_agents_to_start(
    budget_desk: BudgetDesk, monkeypatch: pytest.MonkeyPatch, approved: Any
) -> None:
    """Else it would post; the ledger stays as it is."""
    budget_desk.change(approval={"people": 0})
    monkeypatch.setattr(
        "ml_connector.wiring.stopping.machine_clock", lambda _stop: budget_desk.clock
    )
    server = make_server(Options(project=budget_desk.root), "helper")
    before = budget_desk.held()

    with pytest.raises(Exception, match=r"without asking anybody[\s\S]*agents\.unasked"):
        call(server, "ask_for_approval", flow=FLOW)
    assert budget_desk.held() == before


def test_answer_is_bounded_and_its_amounts_are_text() -> None:
    """What is left out is counted; no amount becomes a number on the way."""
    from decimal import Decimal  # noqa: PLC0415 - of this test alone.

    money = Money(amount=Decimal("12345678901234567.89"), currency="USD")
    many = Listing(columns=("What", "Amount"), rows=[("x" * 900, money)] * 1_000)

    told = render(many)
    assert told["rows"][0][1] == "12345678901234567.89 USD"
    assert len(told["rows"]) <= ROWS_MAX
    assert told["rows_left_out"] == 1_000 - len(told["rows"])
    assert len(json.dumps(told)) < 45_000
    assert render(Listing(columns=("What",), rows=[], empty="None."))["note"] == "None."
    read = Listing(columns=("What",), rows=[("x",)] * 3)
    assert render(read, limit=2, is_open=True)["rows_left_out"] == "at least 1"
    assert render(read, limit=3, is_open=True)["rows_left_out"] == 0
