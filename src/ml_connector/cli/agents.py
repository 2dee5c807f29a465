"""A server of the Model Context Protocol over standard input and output: agents read and plan.

Nothing an agent can call approves, settles, reverses or loads. What it starts is told from what
people do by its name, and whoever it acts for approves none of it.
"""

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from ml_connector import __version__, wiring
from ml_connector.cli import agent_answers as answers
from ml_connector.cli.options import Options
from ml_connector.errors import ConnectorError, UsageError
from ml_connector.ports import AGENT

if TYPE_CHECKING:
    from mcp.server.fastmcp import FastMCP

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
ROWS = answers.ROWS_DEFAULT
INSTRUCTIONS = """\
Keeps an Oracle ledger and an Anaplan model in step. Amounts are exact text with their currency;
never round, sum or convert them. `plan` only looks. `ask_for_approval` makes a plan that people
decide on; you cannot approve, post, settle or reverse. Tell people the run id and the next step.
"""


class ExtraMissingError(UsageError):
    """The library for agents is not installed."""

    code = "agents.extra-missing"


class UnfitAgentError(UsageError):
    """An agent's name is not made of a-z, 0-9 and hyphens."""

    code = "agents.unfit-name"


def mcp(
    *,
    name: Annotated[str, Parameter(help="Who acts, as the audit chain names it.")] = "assistant",
    options: Options | None = None,
) -> int:
    """Let an agent ask and plan over standard input and output (Model Context Protocol)."""
    if not NAME.fullmatch(name):
        raise UnfitAgentError(
            f"{name!r} is no name of an agent.",
            written="Nothing was started.",
            next_step="Use a-z, 0-9 and hyphens: `ml-connector mcp --name close-helper`.",
            name=name,
        )
    chosen = options or Options()
    with wiring.open_house(chosen.find_root(), overrides=chosen.parse_overrides()) as house:
        house.records.audit.record("agent.started", subject=name, actor=house.actor)
    server = make_server(chosen, name)
    # Only the protocol may write to standard output; what a library prints goes beside it.
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(server))
    return 0


async def _serve(server: "FastMCP") -> None:
    from mcp.server.stdio import stdio_server  # noqa: PLC0415 - an extra.

    kept = sys.stdin, sys.stdout
    # Files of our own: the protocol closes what it was given, and other output goes beside it.
    asked = os.fdopen(os.dup(0), encoding="utf-8")
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    sys.stdin, sys.stdout = asked, told
    try:
        async with stdio_server() as (reader, writer):
            sys.stdout = sys.stderr
            inner = server._mcp_server  # noqa: SLF001 - its own `run` would take any output.
            await inner.run(reader, writer, inner.create_initialization_options())
    finally:
        sys.stdin, sys.stdout = kept


def make_server(options: Options, name: str) -> "FastMCP":
    """The tools, each asking a house of its own that is closed when it has answered.

    A house kept open would hold the state folder of a project on SQLite for as long as somebody
    leaves a conversation open.

    Raises:
        ExtraMissingError: The library is not there.
    """
    try:
        from mcp.server.fastmcp import FastMCP  # noqa: PLC0415 - an extra.
    except ImportError as error:
        raise ExtraMissingError(
            "The library `mcp` is not installed.",
            written="Nothing was started.",
            next_step="Install it: `pip install 'ml-connector[mcp]'`.",
        ) from error
    server: FastMCP = FastMCP("ml-connector", instructions=INSTRUCTIONS, log_level="ERROR")
    # Its own argument for it is missing: the inner server would name the library's version.
    server._mcp_server.version = __version__  # noqa: SLF001 - as above.
    # One thread: one question at a time, and each in the thread its database connection is of.
    pool = ThreadPoolExecutor(1, thread_name_prefix="agent")

    async def answer(question: answers.Answer) -> dict[str, Any]:
        asked = pool.submit(_ask, options, name, question)
        return await asyncio.wrap_future(asked)

    _add_questions(server, answer)
    _add_lists(server, answer)
    _add_plans(server, answer)
    return server


Asker = Callable[[answers.Answer], Awaitable[dict[str, Any]]]


def _add_questions(server: "FastMCP", answer: Asker) -> None:
    from mcp.types import ToolAnnotations  # noqa: PLC0415 - an extra.

    tool = server.tool
    reads = ToolAnnotations(readOnlyHint=True, openWorldHint=False)

    @tool(annotations=reads)
    async def status() -> dict[str, Any]:
        """Each flow: its last run, the periods it owes the model, what was refused."""
        return await answer(answers.tell_status)

    @tool(annotations=reads)
    async def list_runs(flow: str = "", limit: int = ROWS) -> dict[str, Any]:
        """The run history, newest first; of one flow where one is named."""
        return await answer(lambda house: answers.tell_runs(house, flow=flow, limit=limit))

    @tool(annotations=reads)
    async def show_run(run_id: str) -> dict[str, Any]:
        """One run: what was asked, what it came to in money, what stopped it, its last steps."""
        return await answer(lambda house: answers.tell_run(house, run_id))

    @tool(annotations=reads)
    async def reconciliation(flow: str = "", limit: int = ROWS) -> dict[str, Any]:
        """Ledger and model, period by period: what is unexplained, and who signed."""
        return await answer(
            lambda house: answers.tell_reconciliation(house, flow=flow, limit=limit)
        )


def _add_lists(server: "FastMCP", answer: Asker) -> None:
    from mcp.types import ToolAnnotations  # noqa: PLC0415 - an extra.

    tool = server.tool
    reads = ToolAnnotations(readOnlyHint=True, openWorldHint=False)

    @tool(annotations=reads)
    async def refused(flow: str = "", limit: int = ROWS) -> dict[str, Any]:
        """What the model did not take, by cause, with amounts."""
        return await answer(lambda house: answers.tell_refused(house, flow=flow, limit=limit))

    @tool(annotations=reads)
    async def unmapped(flow: str = "", limit: int = ROWS) -> dict[str, Any]:
        """Values no mapping rule takes, the largest amount first."""
        return await answer(lambda house: answers.tell_unmapped(house, flow=flow, limit=limit))

    @tool(annotations=reads)
    async def trace(key: str, limit: int = ROWS) -> dict[str, Any]:
        """Everything known of a key: batch, account, run, task, posting key, member."""
        return await answer(lambda house: answers.tell_trace(house, key=key, limit=limit))

    @tool(annotations=reads)
    async def schedules() -> dict[str, Any]:
        """Schedules: when each is due, and what became of the last time."""
        return await answer(answers.tell_schedules)

    @tool(annotations=reads)
    async def approvals(waiting_only: bool = True, limit: int = ROWS) -> dict[str, Any]:  # noqa: FBT001, FBT002 - a tool's argument.
        """Plans that wait for people's decision, or all of them; people decide, not you."""
        return await answer(
            lambda house: answers.tell_approvals(house, waiting_only=waiting_only, limit=limit)
        )


def _add_plans(server: "FastMCP", answer: Asker) -> None:
    from mcp.types import ToolAnnotations  # noqa: PLC0415 - an extra.

    asks = ToolAnnotations(readOnlyHint=False, destructiveHint=False, openWorldHint=True)

    @server.tool(annotations=asks)
    async def plan(
        flow: str,
        periods: list[str] | None = None,
        month_first: str = "",
        month_last: str = "",
    ) -> dict[str, Any]:
        """What a run of the flow would change, in money; reads the systems and writes to none.

        Periods by the ledger's own names, or months such as 2026-10; neither: all that is owed.
        """
        return await answer(
            lambda house: answers.plan(house, flow, _render(periods, month_first, month_last))
        )

    @server.tool(annotations=asks)
    async def ask_for_approval(flow: str) -> dict[str, Any]:
        """Plan a flow that writes into the ERP, and let the plan wait for people's approval."""
        return await answer(lambda house: answers.ask(house, flow))


def _render(periods: list[str] | None, first: str, last: str) -> dict[str, Any]:
    from ml_connector.flows.requests import RunWish, render_request  # noqa: PLC0415 - start-up.

    return render_request(
        RunWish(periods=periods or (), month_first=first, month_last=last, is_dry=True)
    )


def _ask(options: Options, name: str, question: answers.Answer) -> dict[str, Any]:
    """The answer of the project's house, in which the agent acts for whose command this is."""
    from mcp.server.fastmcp.exceptions import ToolError  # noqa: PLC0415 - an extra.

    try:
        with wiring.open_house(options.find_root(), overrides=options.parse_overrides()) as house:
            return question(house.acting_as(f"{AGENT}{name}/{house.actor}"))
    except ConnectorError as error:
        raise ToolError(
            f"{error.refused}\n{error.written}\nNext: {error.next_step}\n[{error.code}]"
        ) from error
