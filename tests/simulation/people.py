"""People who are asked about a plan: they agree, refuse, dawdle, or try what they may not."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.steps import Crash
from tests.simulation.checkers import Finding, read_rows
from tests.simulation.life import CALL, Life

from ml_connector.errors import ConnectorError
from ml_connector.ports import ApprovalState

CONTROLLER, SECOND = "controller@halden", "second@halden"
TOO_LATE_S = 15 * 86_400.0
"""More than the days a plan waits."""
LOOKS_MAX = 8
LOOK_PAUSE_S = 60.0
DECISIONS = """
SELECT a.plan_hash, a.state, a.needed, a.maker, d.actor, d.is_approval
FROM records_approval a LEFT JOIN records_decision d ON d.approval_id = a.id
"""


@dataclass(slots=True, kw_only=True)
class People:
    """Those who decide on the plans of a story."""

    note: Callable[[Any, Any, tuple[Any, ...]], None] = lambda *_: None
    """Told the plan and what people were shown of it as soon as it is approved."""
    drift: Callable[[Any, str], None] = lambda *_: None
    """What moves between the plan and the word on it."""
    is_drift_told: bool = False
    """Whatever drifts is something every plan was made from: none of these may be applied."""
    drifted: set[str] = field(default_factory=set)
    """Plans that something has moved under."""
    lists: str = "list_planned"
    plan: str = ""
    """The plan that is approved and to be applied; empty when there is none."""
    findings: list[str] = field(default_factory=list)

    def hear(self, driver: Any, plan: str, word: str) -> bool:
        """Whether the plan that waits is to be applied now."""
        self.plan = ""
        world = driver.world
        if word == "agree after a drift":
            self.drift(world, plan)
            self.drifted |= {plan} if self.is_drift_told else set()
        if word == "agree late":
            world.clock.sleep(TOO_LATE_S)
            self._expect_refusal(driver, plan, CONTROLLER, "an expired plan was approved")
            return False
        if word == "ask their own":
            self._expect_refusal(driver, plan, "", "a maker approved his own plan")
        if word == "die agreeing":
            self._decide(
                driver, plan, CONTROLLER, life=Life(dies_at={CALL: world.rng.randint(1, 4)})
            )
        if word == "reject":
            self._decide(driver, plan, CONTROLLER, approves=False)
            return False
        self._agree(driver, plan, is_twice=word == "agree twice")
        if self.plan and word == "apply late":
            world.clock.sleep(TOO_LATE_S)
        return bool(self.plan)

    def _agree(self, driver: Any, plan: str, *, is_twice: bool) -> None:
        """As many as are needed say yes; the first perhaps twice, which counts as one."""
        for person in (CONTROLLER, SECOND):
            found = self._decide(driver, plan, person)
            if found is not None and found.state is ApprovalState.APPROVED:
                self._keep(driver, found)
                return
            if is_twice and found is not None and found.state is ApprovalState.WAITING:
                self._expect_refusal(driver, plan, person, "one person counted as two")

    def _keep(self, driver: Any, approval: Any) -> None:
        """What was agreed to is noted and applied; who cannot see it now looks again."""
        for _ in range(LOOKS_MAX):
            try:
                with self._at_desk(driver, CONTROLLER) as house:
                    seen = tuple(getattr(house, self.lists)(approval))
            except ConnectorError as error:
                driver._tell(error.code, f"{CONTROLLER} on what was agreed: {error}")
                driver.world.clock.sleep(LOOK_PAUSE_S)
                continue
            self.note(driver.world, approval, seen)
            self.plan = approval.plan_hash
            return

    def _decide(
        self, driver: Any, plan: str, who: str, *, approves: bool = True, life: Life | None = None
    ) -> Any:
        """The approval as it stands after the person's word; None where nothing was heard."""
        try:
            with self._at_desk(driver, who, life) as house:
                found = house.find_approval(plan)
                if found.state is ApprovalState.WAITING and not _has_decided(found, who):
                    found = house.decide(plan, approves=approves, reason="As it seems right.")
        except (Crash, ConnectorError) as error:
            driver._tell(getattr(error, "code", "killed"), f"{who} on a plan: {error}")
            return None
        driver._tell(f"plan {found.state}", f"{plan[:12]} by {who}")
        return found

    def _expect_refusal(self, driver: Any, plan: str, who: str, finding: str) -> None:
        try:
            with self._at_desk(driver, who) as house:
                found = house.decide(plan, approves=True, reason="I should not.")
        except ConnectorError as error:
            driver._tell(error.code, str(error))
            return
        self.findings.append(f"{finding}: {plan[:12]} is {found.state}")

    @contextmanager
    def _at_desk(self, driver: Any, who: str, life: Life | None = None) -> Iterator[Any]:
        """A process of the person's own; whoever is not named is who started the runs."""
        life, house = life or Life(), None
        try:
            house = driver.world.open_process(life)
            house.actor = who or house.actor
            yield house
        finally:
            driver._leave(house, life)


def _has_decided(approval: Any, who: str) -> bool:
    return any(decision.actor == who for decision in approval.decisions)


def check_decisions(world: Any, people: People) -> Iterator[Finding]:
    """Whatever was applied was agreed to by enough others than its maker, and nothing else was."""
    rows = read_rows(world, DECISIONS)
    applied = {plan for plan, state, *_ in rows if state == "applied"}
    moved = [f"{plan[:12]} was applied to other books" for plan in applied & people.drifted]
    found = [*people.findings, *moved, *list_unfit(rows)]
    yield from (Finding(checker="people", text=text) for text in found)


def list_unfit(rows: list[tuple[Any, ...]]) -> Iterator[str]:
    """Plans that were applied although too few, or their makers, had said yes."""
    said: dict[tuple[str, str, int], list[tuple[str, bool]]] = {}
    for plan, state, needed, maker, actor, approves in rows:
        its = said.setdefault((plan, state, needed), [])
        if actor == maker:
            yield f"the maker of {plan[:12]} has decided on it"
        if actor:
            its.append((actor, bool(approves)))
    for (plan, state, needed), decisions in said.items():
        yes = {actor for actor, approves in decisions if approves}
        if state == "applied" and (len(yes) < needed or len(yes) < len(decisions)):
            yield f"{plan[:12]} was applied with {decisions} of {needed}"
