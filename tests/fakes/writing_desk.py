"""What people do with plans and postings of a flow, on real sockets; processes killed in it."""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.conftest import call_control
from tests.fakes.children import find_environment

from ml_connector.ports import Approval, Check, CheckState, Posting, RunRow
from ml_connector.wiring import House, open_house

LOOKS_MAX, LOOK_S = 1_200, 0.05


class WritingDesk:
    """Acts as one person at a time; every command opens the house anew."""

    root: Path
    clock: Any
    actor: str
    on_step: Any

    @contextmanager
    def house(self) -> Iterator[House]:
        """The project's house, with the person who acts now in it."""
        with open_house(self.root, clock=self.clock, on_step=self.on_step) as house:
            house.actor = self.actor
            self._prepare(house)
            yield house

    def _prepare(self, house: House) -> None:
        """What a test wants otherwise in every house."""

    def resume(self, run_id: str) -> RunRow:
        """A stopped run that went on to its end."""
        with self.house() as house:
            return house.resume(run_id)

    def approve(self, plan: str, who: str) -> Approval:
        """The plan after this person has approved it; nothing is written by that."""
        self.actor = who
        with self.house() as house:
            return house.decide(plan, approves=True, reason="As agreed.")

    def apply(self, plan: str) -> RunRow:
        """The run that writes the approved plan."""
        with self.house() as house:
            return house.apply_approved(house.find_approval(plan))

    def settle(self, key: str) -> tuple[Posting, str]:
        """A posting after a look at the ERP."""
        with self.house() as house:
            return house.settle_posting(key)

    def reverse(self, key: str) -> RunRow:
        """The run that takes a posting back."""
        with self.house() as house:
            return house.reverse_posting(key)

    def look_at(self, flow: str) -> dict[str, Check]:
        """What doctor finds of the flow, by subject; the worst of each."""
        with self.house() as house:
            found = list(house.check_flow(flow))
        return {
            one.subject: one for one in sorted(found, key=lambda one: one.state != CheckState.OK)
        }


def kill_when(command: Sequence[str], is_time: Callable[[], bool], *, clock: Any, url: str) -> int:
    """The command runs and is killed as soon as it is time; its exit code.

    Args:
        command: A process that imports what tests may.
        is_time: Asked every few hundredths of a second.
        clock: Of the test; it then stands where the dead process has moved the server's.
        url: Of that server.
    """
    with subprocess.Popen(command, env=find_environment()) as process:
        try:
            for _ in range(LOOKS_MAX):
                if process.poll() is not None or is_time():
                    break
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=LOOK_S)
        finally:
            process.kill()
        clock.at = datetime.fromisoformat(call_control(url, "GET", "clock")["now"])
        return process.wait()
