"""Connections as tables, the same for the terminal and the pages."""

from collections.abc import Sequence

from ml_connector.flows.answers.listing import Link, Listing, State, Tone
from ml_connector.ports import Check, CheckState, Intent
from ml_connector.ports.connections import (
    ConnectionTest,
    HeldModel,
    MinuteOfRequests,
    Requests,
)

CHECK_TONES = {
    CheckState.OK: Tone.GOOD, CheckState.WARNING: Tone.WAITS, CheckState.FAILED: Tone.WRONG,
}  # fmt: skip
NEVER = State(word="never tested", tone=Tone.IDLE)


def show_check(state: CheckState) -> State:
    """How a check ended, as a cell."""
    return State(word=state.value, tone=CHECK_TONES[state])


def show_test(test: ConnectionTest | None) -> State:
    """How a test ended, in its worst finding; one that was not finished is not good."""
    if test is None:
        return NEVER
    found = {one.state for one in test.checks}
    if CheckState.FAILED in found:
        return State(word="failed", tone=Tone.WRONG)
    if not test.is_whole:
        return State(word="not finished", tone=Tone.WAITS)
    if CheckState.WARNING in found:
        return State(word="warning", tone=Tone.WAITS)
    return State(word="sound", tone=Tone.GOOD)


def list_checks(checks: Sequence[Check]) -> Listing:
    """What a test found, question by question."""
    return Listing(
        columns=("What", "State", "Found", "Next step"),
        rows=[(one.subject, show_check(one.state), one.finding, one.next_step) for one in checks],
        empty="Nothing was found out.",
    )


def list_tests(tests: Sequence[ConnectionTest]) -> Listing:
    """Tests, the newest first."""
    return Listing(
        columns=("When (UTC)", "Result", "By", "Milliseconds", "Findings"),
        rows=[
            (one.at, show_test(one), one.actor, one.milliseconds, len(one.checks)) for one in tests
        ],
        empty="It was never tested.",
    )


def list_requests(requests: Sequence[Requests]) -> Listing:
    """Allowances as they are used at this moment."""
    return Listing(
        columns=(
            "Allowance", "Used in 60 s", "Of", "For people", "Of these used", "In line",
            "Held until (UTC)", "Ever",
        ),
        rows=[
            (
                one.key.rstrip(":"), one.used, one.allowance, one.reserve, one.used_reserve,
                one.booked, one.held_until, one.total,
            )
            for one in requests
        ],
        empty="No request was sent yet.",
    )  # fmt: skip


def list_models(models: Sequence[HeldModel]) -> Listing:
    """Who may write into which model."""
    return Listing(
        columns=("Model", "Held by", "Run since (UTC)", "Until (UTC)", "Fence"),
        rows=[
            (
                one.model_id,
                Link(text=one.run_id, kind="run", key=one.run_id) if one.holder else "nobody",
                one.run_began_at, one.expires_at if one.holder else None, one.fence,
            )
            for one in models
        ],
        empty="Nobody has written into a model yet.",
    )  # fmt: skip


def list_unsettled(intents: Sequence[Intent]) -> Listing:
    """Task starts whose outcome is not known."""
    return Listing(
        columns=("Run", "Model", "Action", "State", "Since (UTC)"),
        rows=[
            (
                Link(text=one.run_id, kind="run", key=one.run_id), one.model_id, one.action_name,
                State(word=one.state.value, tone=Tone.WRONG), one.made_at,
            )
            for one in intents
        ],
        empty="The outcome of every task start is known.",
    )  # fmt: skip


def list_minutes(minutes: Sequence[MinuteOfRequests]) -> Listing:
    """Requests minute by minute, the newest first."""
    return Listing(
        columns=("Minute (UTC)", "Requests"),
        rows=[(one.minute, one.requests) for one in reversed(minutes)],
        empty="No minute was counted yet.",
    )
