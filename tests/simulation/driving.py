"""Plays a seed: disturbed runs, crashes and resumes as advised, then peace and a clean run."""

import re
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.fakes.steps import Crash
from tests.simulation.appending import APPEND, draw_append_plan
from tests.simulation.appending import FLOW as APPEND_FLOW
from tests.simulation.besides import add_trouble
from tests.simulation.books import Cells, sum_books
from tests.simulation.budgets import enter_by_hand, prepare_budget, read_approved, read_ledger
from tests.simulation.checkers import (
    Finding,
    check_at_rest,
    check_lines,
    check_settled,
    check_succeeded,
    find_busiest,
    read_model,
    read_refused,
    read_rows,
    read_settled,
)
from tests.simulation.events import EVENTS
from tests.simulation.faults import (
    ACTUALS,
    ANAPLAN,
    BUDGETS,
    FUSION,
    JDE,
    Act,
    Fault,
    Plan,
    draw_plan,
)
from tests.simulation.item_checks import check_items, read_items
from tests.simulation.life import FROZEN, Life
from tests.simulation.loopback import LATE, Delay, Intervention
from tests.simulation.people import People, check_decisions
from tests.simulation.supplier_checks import check_suppliers
from tests.simulation.supplier_faults import SUPPLIERS, draw_supplier_plan
from tests.simulation.suppliers import FLOW as SUPPLIER_FLOW
from tests.simulation.suppliers import drift, mend_suppliers, note_agreed, prepare_suppliers
from tests.simulation.world import FLOW, World, open_world

from ml_connector.engine.errors import UnknownRunError
from ml_connector.errors import ConnectorError, UsageError
from ml_connector.ports import RunRow

ATTEMPTS_MAX = 8
"""Starts and resumes of one act; whoever needs more is left to the clean runs."""
CLEAN_MAX = 6
"""Undisturbed tries until a run succeeds."""
FROZEN_S = 120.0
"""For so long a frozen process stands still before others go on with its run."""
TRACE_LINES_MAX = 40
"""Of what ended a seed that no checker was asked about."""
DIMENSIONS = "dimensions-fusion"
HOLDS_CELLS = "shadow.model-holds-cells"
"""Told of a model that a run has loaded and did not come to remember."""
AGREE = "agree"
ASKING = "waiting for approval"
DISK_FULL = "disk is full"
"""In what SQLite says when its file cannot grow."""
ENDED = frozenset(
    {
        "succeeded", "partly succeeded", "unexplained difference", "books moving", "cancelled",
        ASKING,
    }
)  # fmt: skip
OVER = ", ".join(f"'{state}'" for state in sorted(ENDED))
RESUME = re.compile(r"runs resume ([\w-]+)")
"""The command that an error advises."""
UNSETTLED = """
SELECT posting_key FROM records_posting WHERE state IN ('open', 'unknown', 'quarantined')
"""


@dataclass(slots=True, kw_only=True)
class Played:
    """What became of a seed."""

    plan: Plan
    happened: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    busiest: int = 0
    processes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What a seed is about: a flow, what it shall bring about, and what it has."""

    flow: str
    sum_wanted: Callable[[World], Cells]
    read_held: Callable[[World], Cells]
    draw: Callable[[int], Plan]
    prepare: Callable[[World], None] = lambda _: None
    mend: Callable[[World, dict[str, Any]], dict[str, Any]] = lambda *_: {}
    """In peace, told the last summary: people mend what is theirs; what the next run is asked."""
    check: Callable[[World], Iterable[Finding]] = lambda _: ()
    make_people: Callable[[], People] = People
    clean_max: int = CLEAN_MAX


STORIES = {
    ACTUALS: Story(
        flow=FLOW, sum_wanted=lambda world: sum_books(world.pods.folder), read_held=read_model,
        draw=draw_plan,
    ),
    BUDGETS: Story(
        flow="budgets-jde", sum_wanted=read_approved, read_held=read_ledger,
        prepare=prepare_budget, draw=partial(draw_plan, story=BUDGETS),
        make_people=lambda: People(drift=enter_by_hand, is_drift_told=True),
        clean_max=2 * CLEAN_MAX,
    ),
    APPEND: Story(
        flow=APPEND_FLOW, sum_wanted=lambda world: sum_books(world.pods.folder),
        read_held=read_items, draw=draw_append_plan, check=check_items,
    ),
    SUPPLIERS: Story(
        flow=SUPPLIER_FLOW, sum_wanted=lambda _: {}, read_held=lambda _: {},
        prepare=prepare_suppliers, draw=draw_supplier_plan, mend=mend_suppliers,
        check=check_suppliers, clean_max=2 * CLEAN_MAX,
        make_people=lambda: People(note=note_agreed, drift=drift, lists="list_revisions"),
    ),
}  # fmt: skip


def play(seed: int, story: str = ACTUALS) -> Played:
    """The seed played to its end, and what the checkers found."""
    return play_plan(draw(story, seed))


def draw(story: str, seed: int) -> Plan:
    """The plan of the seed of the story; the same one everywhere."""
    return add_trouble(STORIES[story].draw(seed))


def play_plan(plan: Plan) -> Played:
    """The plan played to its end, and what the checkers found."""
    with open_world(plan.seed, variant=plan.variant) as world:
        people = STORIES[plan.story].make_people()
        driver = Driver(world=world, played=Played(plan=plan), people=people)
        try:
            driver.run()
        except Exception as error:  # noqa: BLE001 - told with the seed, and the others play on.
            text = "".join(traceback.format_exception(error)[-TRACE_LINES_MAX:])
            driver.played.findings.append(Finding(checker="ended", text=text))
        return driver.played


@dataclass(slots=True, kw_only=True)
class Driver:
    """The person at the terminal, and fate."""

    world: World
    played: Played
    people: People
    summary: dict[str, Any] = field(default_factory=dict)
    """Of the run that ended last."""
    word: str = AGREE
    """What people say to the next plan."""
    began: int = 0
    """The version of the books that the last run of the story's flow was made of."""
    pending: str = ""
    """The run to go on with; empty: a new one is begun."""
    version_at: dict[str, int] = field(default_factory=dict)
    """Run to the version of the books it began with."""
    number: int = 0
    switches: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Decisions of the other side while the acts are played."""
    is_rebuilding: bool = False
    """An error has said that the model is to be taken as what it was told."""
    is_settling: bool = False
    """An error has said that postings must be settled before anything else."""
    taken: str = ""
    """What became of the run of a frozen process elsewhere."""
    armed: dict[tuple[str, int], str] = field(default_factory=dict)
    """Rules of the sandbox's fault books: (system, number) to the kind in the plan."""

    def run(self) -> None:
        """Acts, then rest, then every checker is asked."""
        world, plan = self.world, self.played.plan
        self.switches = plan.switches
        self._turn_switches()
        self._story.prepare(world)
        self._note_books()
        for act in plan.acts:
            self._play_act(act)
        self._mend()
        self._come_to_rest()
        self.played.findings += check_lines(
            self._story.read_held(world), self._story.sum_wanted(world)
        )
        self.played.findings += check_at_rest(world)
        self.played.findings += check_decisions(world, self.people)
        self.played.findings += self._story.check(world)
        self.played.busiest = find_busiest(world)
        self.played.processes = world.processes
        self.played.happened += world.wire.happened

    @property
    def _story(self) -> Story:
        return STORIES[self.played.plan.story]

    # --- acts -----------------------------------------------------------------------------------

    def _play_act(self, act: Act) -> None:
        for name in act.before:
            if self._befall(name, 90) is not False:
                self.played.happened.append(name)
        self._arm(act)
        self.word = act.word
        for attempt in range(ATTEMPTS_MAX):
            deaths = dict(act.deaths[attempt : attempt + 1])
            state = self._attempt(self._story.flow, Life(dies_at=deaths), **self._request())
            if state and not self._is_agreed(state):
                return
            self._between(act.pause_s)

    def _is_agreed(self, state: str) -> bool:
        """Whether people were asked, and the plan is to be applied; they are odd but once."""
        self.people.plan = ""
        if state != ASKING:
            return False
        word, self.word = self.word, AGREE
        return self.people.hear(self, self.summary["plan_hash"], word)

    def _request(self) -> dict[str, Any]:
        if self.people.plan:
            return {"apply": self.people.plan}
        return {"against": "model"} if self.is_rebuilding else {}

    def _come_to_rest(self) -> None:
        """What is open is settled, refused members are loaded, and one run succeeds."""
        self.word = AGREE
        if not self.played.plan.again and self._is_at_rest():
            return
        for _ in range(self._story.clean_max):
            if not self.pending and read_refused(self.world):
                self._attempt(DIMENSIONS, Life())
                self._between(60.0)
            request = {"replay": True} if read_refused(self.world) else self._request()
            request = request or self._story.mend(self.world, self.summary)
            self.is_settling |= self._is_unsettled()
            is_whole = not request and not self.pending
            state = self._attempt(self._story.flow, Life(), **request)
            if state == "succeeded" and is_whole:
                return
            self._is_agreed(state)
            self._between(60.0)
        self._find("rest", f"no clean run succeeds: {self.played.outcomes[-CLEAN_MAX:]}")

    def _is_at_rest(self) -> bool:
        """Whether the last run succeeded and left nothing for another one to do."""
        told = self.played.outcomes[-1:] == ["succeeded"] and not self.pending
        is_done = told and not read_refused(self.world) and not self._is_unsettled()
        return is_done and self._story.read_held(self.world) == self._story.sum_wanted(self.world)

    def _is_unsettled(self) -> bool:
        """Whether people who see to it find postings without an end, and no run that has them."""
        return not self.pending and bool(read_rows(self.world, UNSETTLED))

    def _attempt(self, flow: str, life: Life, **request: Any) -> str:
        """The state a run ended in; empty when it was stopped."""
        house = None
        try:
            house = self.world.open_process(life)
            life.freeze = partial(self._take_over, house, flow)
            row = self._execute(house, flow, request)
        except Crash as crash:
            self._tell("killed", str(crash))
            self._look_for_unfinished()
            return ""
        except ConnectorError as error:
            self._tell(error.code, str(error))
            if life.is_lost:
                return self.taken
            self._follow_advice(house, error)
            return ""
        finally:
            self._leave(house, life)
        self.pending, self.summary = "", dict(row.summary)
        self.is_rebuilding = False
        self._tell(str(row.state), f"run {row.run_id}")
        if row.flow == self._story.flow:
            self.began = self.version_at[row.run_id]
            self._judge(row)
        return str(row.state)

    def _take_over(self, house: Any, flow: str) -> None:
        """The process stands still; another one goes on with its run meanwhile."""
        house.let_go()
        self._tell(FROZEN, self.world.wire.last_path)
        self.played.happened.append(FROZEN)
        self.world.clock.sleep(FROZEN_S)
        self._look_for_unfinished()
        self.taken = self._attempt(flow, Life())

    def _judge(self, row: RunRow) -> None:
        """What a run says it has reached is held against the books it was made of, and later ones.

        All of them where it says it succeeded, else the months it has settled.
        """
        settled = read_settled(self.world, row.run_id)
        if str(row.state) != "succeeded" and not settled:
            return
        held, refused = self._story.read_held(self.world), read_refused(self.world)
        versions = self.world.versions[self.began :]
        if str(row.state) == "succeeded":
            self.played.findings += check_succeeded(held, versions, refused)
        else:
            self.played.findings += check_settled(held, versions, settled, refused)

    def _execute(self, house: Any, flow: str, request: dict[str, Any]) -> RunRow:
        if self.is_settling:
            self._settle(house)
        if self.pending:
            resumed: RunRow = house.resume(self.pending)
            return resumed
        self.number += 1
        run_id = f"run-{self.number:02}"
        # A replay reads no books: it loads what the run before it had read, as a plan's run does.
        is_later = bool({"apply", "replay"} & request.keys())
        self.version_at[run_id] = self.began if is_later else len(self.world.versions) - 1
        begun: RunRow = house.run_as(run_id, flow, request)
        return begun

    def _leave(self, house: Any, life: Life) -> None:
        if life.died:
            self.played.happened.append(f"killed at a {life.died_at}")
        try:
            self.world.close_process(house, life)
        except (Crash, ConnectorError) as error:
            self._tell("close failed", str(error))

    def _follow_advice(self, house: Any, error: ConnectorError) -> None:
        """Go on with the run where the error says so, else begin anew; put away what is lost."""
        self._look_for_unfinished()
        if not self.pending:
            self.people.plan = ""
        self.is_settling |= "postings settle" in error.next_step
        self.is_rebuilding |= error.code == HOLDS_CELLS
        if isinstance(error, UnknownRunError) and house is not None:
            # Killed between the history and the engine: the run was never begun.
            house.records.runs.load_run(self.pending)
            self._put_away(house)
        elif isinstance(error, UsageError):
            self.pending = ""
        elif not self.pending and "resume" in error.next_step:
            self.pending = self._find_advised(error.next_step)

    def _settle(self, house: Any) -> None:
        """A look at the ERP for each posting that has no end."""
        for (key,) in read_rows(self.world, UNSETTLED):
            posting, found = house.settle_posting(key)
            self._tell("settled", f"{key} is {posting.state}: {found}")
        self.is_settling = False

    def _put_away(self, house: Any) -> None:
        try:
            house.cancel(self.pending)
            self._tell("cancelled", self.pending)
            self.pending = ""
        except Crash as crash:
            self._tell("killed", str(crash))
        except ConnectorError as error:
            self._tell(error.code, str(error))

    def _find_advised(self, advice: str) -> str:
        """The run to go on with: the one that is named, else this one; empty once it is over."""
        named = RESUME.search(advice)
        run = named[1] if named else f"run-{self.number:02}"
        sql = f"SELECT run_id FROM records_run WHERE run_id = '{run}' AND state NOT IN ({OVER})"
        return run if read_rows(self.world, sql) else ""

    def _look_for_unfinished(self) -> None:
        sql = (
            "SELECT run_id FROM records_run WHERE state IN"
            " ('queued', 'running', 'interrupted', 'outcome unknown')"
            " ORDER BY id DESC LIMIT 1"
        )
        rows = read_rows(self.world, sql)
        self.pending = rows[0][0] if rows else ""

    # --- fate -----------------------------------------------------------------------------------

    def _turn_switches(self) -> None:
        for system, positions in self.switches.items():
            self._server(system).switches.turn(positions)

    def _arm(self, act: Act) -> None:
        for fault in act.faults:
            if fault.rule:
                number = self._server(fault.system).faults.add(fault.rule)
                self.armed[fault.system, number] = fault.kind
                continue
            if fault.kind == LATE:
                self.world.wire.delays.append(
                    Delay(
                        path=fault.path, method=fault.method, nth=fault.nth,
                        seconds=abs(fault.detail), kills=fault.detail < 0,
                    )
                )  # fmt: skip
                continue
            self.world.wire.interventions.append(
                Intervention(
                    kind=fault.kind,
                    path=fault.path,
                    nth=fault.nth,
                    method=fault.method,
                    act=partial(self._strike, fault),
                )
            )

    def _strike(self, fault: Fault) -> object:
        return self._befall(fault.kind, fault.detail)

    def _befall(self, kind: str, detail: int) -> object:
        has_happened = EVENTS[kind](self.world, detail)
        self._note_books()
        return has_happened

    def _between(self, pause_s: float) -> None:
        """Time passes, and who looks after things frees the disk and unlocks the model."""
        world = self.world
        self.played.happened += ["archive full"] * bool(world.disk.refused)
        world.disk.free()
        world.pods.fusion.switches.reset()
        self._turn_switches()
        world.pods.ask(world.pods.anaplan, "set_model_state", state="UNLOCKED")
        world.clock.sleep(pause_s)

    def _mend(self) -> None:
        """Nothing goes wrong from now on."""
        world = self.world
        self.played.happened += self._list_fired()
        self.switches = {}
        for server in (world.pods.fusion, world.pods.anaplan, world.pods.jde):
            server.faults.clear()
            server.switches.reset()
        world.wire.interventions.clear()
        world.wire.delays.clear()
        world.clock.skew *= 0
        self._between(3600.0)

    def _list_fired(self) -> list[str]:
        return [
            self.armed[system, rule["id"]]
            for system in (FUSION, ANAPLAN, JDE)
            for rule in self._server(system).faults.rules()
            if rule["fired"]
        ]

    def _server(self, system: str) -> Any:
        return getattr(self.world.pods, system)

    def _note_books(self) -> None:
        books = self._story.sum_wanted(self.world)
        if not self.world.versions or self.world.versions[-1] != books:
            self.world.versions.append(books)

    def _tell(self, outcome: str, text: str) -> None:
        self.played.outcomes.append(outcome)
        self.played.happened += ["records full"] * (DISK_FULL in text)
        self.played.told.append(f"{outcome}: {text}")

    def _find(self, checker: str, text: str) -> None:
        self.played.findings.append(Finding(checker=checker, text=text))
