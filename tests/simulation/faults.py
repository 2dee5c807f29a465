"""The plan of a seed: what goes wrong, where and when; drawn from the seed and nothing else."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from tests.simulation.reading import CHANGED, GROWN, READ, READS_MAX, REORDERED, REPEATED

ANAPLAN, FUSION, JDE = "anaplan", "fusion", "jde"
ACTUALS, BUDGETS = "actuals", "budgets"
"""The stories there are."""
BUDGETS_ASKED = "budgets asked"
"""A project whose plans wait for people, large ones for two."""
START = r"/(imports|exports)/\d+/tasks$"
POLL = r"/tasks/[0-9A-F]+$"
CHUNK = r"/files/\d+/chunks/\d+$"
ORCHESTRATION = "/orchestrator/"
ANY = {ANAPLAN: "^/2/0/", FUSION: "^/fscmRestApi/", JDE: "^/jderest/"}
LOGIN = {ANAPLAN: "^/token/", FUSION: "^/oauth2/", JDE: "/tokenrequest"}
NTH_MAX = {START: 3, POLL: 8, CHUNK: 4}
WRITES = {ACTUALS: (ANAPLAN, r"/imports/\d+/tasks$"), BUDGETS: (JDE, ORCHESTRATION)}
"""The very write a story is about: system and path."""
UNANSWERED = 0.25
"""Of the plans, how many also lose the answer to one of these: chance alone meets it too rarely."""
WRITE_PLACES = (1, 2, 2, 2, 4)
"""Before and after the first write, after the second."""
REQUESTS_MAX = 60
"""About as many as a run sends to one system; a fault beyond the last one does not happen."""
CALLS_MAX = 560
STEPS_MAX = 165
"""Places of a run where its process may die."""
PAGES_TURN_MAX = 25
"""Requests to the ledger before its pages turn; beyond the last one they turn for nobody."""
FAULTS_MAX = 4
VARIANTS = ("plain", "plain", "lists", "slow", "loaded", "loaded", "loaded", "loaded")
ACTS = (1, 1, 1, 1, 1, 1, 1, 1, 1, 2)
"""Acts of a plan: what many short plans find, few long ones do not."""
DEATHS = (0, 0, 1, 1, 2)
AGAIN = 0.2
"""Of the plans whose last act leaves nothing to do, how many see another run."""
DENIED = (401, 403, 444)
STORMS = (12, 25, 60)
"""Refusals in a row that make a storm."""
WORDS = (
    "agree", "agree", "agree", "agree", "reject", "agree late", "apply late", "ask their own",
    "agree twice", "agree after a drift", "agree after a drift", "die agreeing",
)  # fmt: skip
"""What becomes of the plans of an act; in peace people just agree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong at the n-th request that fits."""

    kind: str
    system: str
    path: str
    method: str = ""
    nth: int = 1
    rule: dict[str, Any] = field(default_factory=dict)
    """What the sandbox's fault book is told; empty for what happens beside the request."""
    detail: int = 0

    def render(self) -> str:
        """One line for people."""
        told = {key: value for key, value in self.rule.items() if key != "kind"}
        return f"{self.kind} at {self.system} {self.method} {self.path} #{self.nth} {told or ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One run as it is disturbed: what changed before it, what goes wrong, where it dies."""

    before: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    deaths: tuple[tuple[str, int], ...] = ()
    """(kind of place, number) for each process in turn; the last process lives."""
    pause_s: float = 60.0
    word: str = "agree"
    """What people say to its plans, where they are asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything a seed decides."""

    seed: int
    story: str = ACTUALS
    variant: str
    switches: dict[str, dict[str, Any]]
    acts: tuple[Act, ...]
    again: bool = True
    """In peace a run is made even where the last act has left nothing to do."""

    def render(self) -> list[str]:
        """The plan in lines for people."""
        lines = [f"project: {self.variant}; switches: {self.switches or 'as they are'}"]
        for number, act in enumerate(self.acts, 1):
            lines.append(f"act {number}: before it: {', '.join(act.before) or 'nothing'}")
            lines += [f"  {fault.render()}" for fault in act.faults]
            lines += [f"  people {act.word}"] if act.word != "agree" else []
            lines += [f"  the process dies at {kind} {at}" for kind, at in act.deaths]
        return lines


def draw_plan(seed: int, story: str = ACTUALS) -> Plan:
    """The plan of the seed; the same one everywhere."""
    if story == BUDGETS:
        return _draw_budget_plan(seed)
    rng = random.Random(f"plan {seed}")
    acts = tuple(_draw_act(rng) for _ in range(rng.choice(ACTS)))
    variant = rng.choice(VARIANTS)
    switches, again = _draw_switches(rng), rng.random() < AGAIN
    plan = Plan(seed=seed, variant=variant, switches=switches, acts=acts, again=again)
    return _leave_unanswered(plan)


def _draw_budget_plan(seed: int) -> Plan:
    """As for actuals; what would befall the other ERP befalls this one."""
    rng = random.Random(f"budgets {seed}")
    acts = tuple(_turn_act(rng, _draw_act(rng)) for _ in range(rng.choice(ACTS)))
    people = random.Random(f"people {seed}")
    variant = people.choice(("budgets", "budgets", "budgets", BUDGETS_ASKED))
    if variant == BUDGETS_ASKED:
        acts = tuple(replace(act, word=people.choice(WORDS)) for act in acts)
    behaviour = rng.choice(("unchecked", "checked"))
    switches: dict[str, dict[str, Any]] = (
        {JDE: {"orchestrationBehaviour": "unchecked"}} if behaviour == "unchecked" else {}
    )
    again = rng.random() < AGAIN
    return _leave_unanswered(
        Plan(seed=seed, story=BUDGETS, variant=variant, switches=switches, acts=acts, again=again)
    )


def _leave_unanswered(plan: Plan) -> Plan:
    """In some plans a write is besides left without an answer, or its process dies at it.

    Drawn by itself, so that whatever else the seed draws stays as it is.
    """
    rng = random.Random(f"unanswered {plan.story} {plan.seed}")
    if rng.random() >= UNANSWERED:
        return plan
    first, *others = plan.acts
    kind = rng.choice(("lost after", "lost after", "lost before", "killed", "killed", "killed"))
    if kind == "killed":
        deaths = (("write", rng.choice(WRITE_PLACES)), *first.deaths)
        return replace(plan, acts=(replace(first, deaths=deaths), *others))
    (system, path), nth = WRITES[plan.story], rng.choice((1, 1, 2))
    rule = {"path": path, "nth": nth, "method": "POST", **_render_rule(rng, kind)[0]}
    lost = Fault(kind=kind, system=system, path=path, method="POST", nth=nth, rule=rule)
    return replace(plan, acts=(replace(first, faults=(*first.faults, lost)), *others))


def _turn_act(rng: random.Random, act: Act) -> Act:
    before = tuple(dict.fromkeys(TURNED.get(name, name) for name in act.before))
    deaths = tuple((kind, 1 + at // 3) for kind, at in act.deaths)
    faults = tuple(_turn_fault(rng, fault) for fault in act.faults)
    return replace(act, before=before, faults=faults, deaths=deaths)


def _turn_fault(rng: random.Random, fault: Fault) -> Fault:
    kind = TURNED.get(fault.kind, fault.kind)
    if fault.system != FUSION:
        return replace(fault, kind=kind)
    is_login = fault.path == LOGIN[FUSION]
    path, nth = (LOGIN if is_login else ANY)[JDE], fault.nth
    if not is_login and rng.random() < 0.6:
        path, nth = ORCHESTRATION, rng.randint(1, 3)
    rule = {**fault.rule, "path": path, "nth": nth} if fault.rule else {}
    return replace(fault, kind=kind, system=JDE, path=path, nth=nth, rule=rule)


def _draw_act(rng: random.Random) -> Act:
    before = (rng.choice(MOVES), *rng.sample(OTHERS, rng.choice((0, 0, 1, 2))))
    faults = tuple(_draw_fault(rng) for _ in range(rng.randint(1, FAULTS_MAX)))
    deaths = tuple(_draw_death(rng) for _ in range(rng.choice(DEATHS)))
    return Act(
        before=before, faults=faults, deaths=deaths, pause_s=rng.choice((1.0, 60.0, 900.0, 9000.0))
    )


def _draw_death(rng: random.Random) -> tuple[str, int]:
    kind = rng.choice(("call", "step"))
    return kind, rng.randint(1, CALLS_MAX if kind == "call" else STEPS_MAX)


def _draw_fault(rng: random.Random) -> Fault:
    kind = rng.choice(sorted(DRAWN))
    return DRAWN[kind](rng, kind)


def _draw_switches(rng: random.Random) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for system, choices in SWITCHES.items():
        for name, values in choices.items():
            if rng.random() < 0.05:
                found.setdefault(system, {})[name] = rng.choice(values)
    return found


def _draw_place(rng: random.Random, *, at_login: bool = False) -> tuple[str, str, str, int]:
    system = rng.choice((ANAPLAN, FUSION))
    if at_login:
        return system, LOGIN[system], "", rng.randint(1, 2)
    path, method = ANY[system], ""
    if system == ANAPLAN and rng.random() < 0.6:
        path = rng.choice((START, POLL, CHUNK))
        method = {START: "POST", POLL: "GET", CHUNK: "PUT"}[path]
    return system, path, method, rng.randint(1, NTH_MAX.get(path, REQUESTS_MAX))


def _draw_rule(rng: random.Random, kind: str) -> Fault:
    """A spoiled reply, in the words of the sandbox's fault book."""
    rule, login = _render_rule(rng, kind)
    system, path, method, nth = _draw_place(rng, at_login=login)
    rule = {"path": path, "nth": nth, "method": method or None, **rule}
    told = f"{kind} {rule['status']}" if kind in {"throttled", "denied"} else kind
    return Fault(kind=told, system=system, path=path, method=method, nth=nth, rule=rule)


def _render_rule(rng: random.Random, kind: str) -> tuple[dict[str, Any], bool]:
    login, times = False, rng.choice((1, 1, 1, 2, 7))
    rule: dict[str, Any] = {"times": times}
    match kind:
        case "lost before":
            rule["kind"] = rng.choice(("reset_before", "close_before"))
        case "lost after":
            rule["kind"] = rng.choice(("reset_after", "close_after"))
        case "throttled":
            wait = rng.choice((1, 5, 30, 90))
            rule |= {"kind": "status", "status": rng.choice((429, 503)), "retry_after": wait}
        case "storm":
            rule |= {"kind": "status", "status": 429, "retry_after": rng.choice((1, 5, 30))}
            rule["times"] = rng.choice(STORMS)
        case "denied":
            rule |= {"kind": "status", "status": rng.choice(DENIED)}
            login = rng.random() < 0.3
        case "gateway page":
            effect = rng.random() < 0.5
            rule |= {"kind": "html", "status": rng.choice((500, 502, 504)), "effect": effect}
        case "cut body":
            rule |= {"kind": "truncate_body", "cut_at": rng.choice((0, 1, 20, 200))}
        case "slow body":
            rule |= {"kind": "slow_body", "pieces": 4, "pause_s": rng.choice((0.5, 20.0, 200.0))}
    return rule, login


def _draw_busy(rng: random.Random, kind: str) -> Fault:
    nth, times = rng.randint(1, 3), rng.choice((1, 3))
    rule = {
        "kind": "status", "status": 409, "path": START, "method": "POST", "nth": nth,
        "times": times,
    }  # fmt: skip
    return Fault(kind=kind, system=ANAPLAN, path=START, method="POST", nth=nth, rule=rule)


def _draw_token_death(rng: random.Random, kind: str) -> Fault:
    nth = rng.randint(1, REQUESTS_MAX)
    rule = {"kind": "hook", "hook": "kill_token", "path": ANY[ANAPLAN], "nth": nth}
    return Fault(kind=kind, system=ANAPLAN, path=ANY[ANAPLAN], nth=nth, rule=rule)


def _draw_at_task(rng: random.Random, kind: str) -> Fault:
    """Something that befalls a task right after it was started, or while it is followed."""
    path = rng.choice((START, START, POLL))
    method = "POST" if path == START else "GET"
    nth = rng.randint(1, NTH_MAX[path])
    return Fault(
        kind=kind, system=ANAPLAN, path=path, method=method, nth=nth,
        detail=rng.choice((1, 30, 400)),
    )  # fmt: skip


def _draw_beside(rng: random.Random, kind: str) -> Fault:
    """Something that happens in the world while the run is under way."""
    system = rng.choice((ANAPLAN, FUSION))
    nth, detail = rng.randint(1, REQUESTS_MAX), rng.choice((-7200, -90, -2, 2, 90, 7200))
    if kind == "clock jumps":
        kind = "clock set back" if detail < 0 else "clock set forward"
    return Fault(kind=kind, system=system, path=ANY[system], nth=nth, detail=detail)


def _draw_pages(rng: random.Random, kind: str) -> Fault:
    """From some request on the further pages of collections are not what they should be."""
    return Fault(kind=kind, system=FUSION, path=ANY[FUSION], nth=rng.randint(1, PAGES_TURN_MAX))


def _draw_at_read(rng: random.Random, kind: str) -> Fault:
    """Something that befalls a batch right after a part of it was read."""
    return Fault(kind=kind, system=FUSION, path=READ, method="GET", nth=rng.randint(1, READS_MAX))


DRAWN: dict[str, Callable[[random.Random, str], Fault]] = {
    **dict.fromkeys(
        ("lost before", "lost after", "throttled", "storm", "denied", "gateway page", "cut body",
         "slow body"),
        _draw_rule,
    ),
    **dict.fromkeys((REPEATED, REORDERED), _draw_pages),
    **dict.fromkeys((CHANGED, GROWN), _draw_at_read),
    "busy": _draw_busy,
    "token dies": _draw_token_death,
    **dict.fromkeys(
        ("task cancelled", "task vanished", "dump gone", "file expired", "model held",
         "model locked", "other's import"),
        _draw_at_task,
    ),
    **dict.fromkeys(
        ("late journals", "new batch", "batch touched", "clock jumps", "archive full",
         "records full", "budget drained"),
        _draw_beside,
    ),
}  # fmt: skip
"""Every kind of fault there is, and how one is drawn."""
MOVES = ("new batch", "new batch", "late journals")
"""What the books do before each run, so that there is something to load."""
OTHERS = ("new batch", "batch touched", "other's import", "clock jumps")
"""What else may happen between two runs."""
TURNED = {
    "late journals": "plan moves",
    "new batch": "plan moves",
    REPEATED: "plan moves",
    REORDERED: "session lost",
    CHANGED: "journals posted",
    GROWN: "journals posted",
    "batch touched": "journals posted",
    "other's import": "journals posted",
    "dump gone": "session lost",
    "file expired": "session lost",
}
"""What happens in the story of budgets instead."""
SWITCHES: dict[str, dict[str, tuple[Any, ...]]] = {
    FUSION: {
        "repeat_page": (True,), "default_order": ("reversed",), "has_more": ("never", "always"),
        "max_limit": (5,), "error_body": ("html", "empty"),
    },
    ANAPLAN: {
        "task.post_shape": ("nested bare", "top-level taskId"), "complete.mode": ("500-but-done",),
        "busy.mode": ("409", "hold"), "task.base_s": (5.0,), "task.values_order": ("shuffled",),
        "error.body": ("HTML", "empty"), "files.stale_count": ("off",),
    },
}  # fmt: skip
"""Decisions of the other side that a seed may turn."""
