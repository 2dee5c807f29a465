"""Agreements: what both sides held of a member last, attribute by attribute, code by code."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml_connector.ports import Agreement, Clock, Records
from ml_connector.records import create_organisation, open_records

FLOW = "suppliers"
"""Codes the store has in memory at once."""


def agree(code: str, run_id: str = "r1", /, **values: tuple[str, str]) -> Agreement:
    """An agreement from attribute to the model's value and the ERP's."""
    return Agreement(
        code=code,
        model={name: model for name, (model, _) in values.items()},
        erp={name: erp for name, (_, erp) in values.items()},
        run_id=run_id,
    )


def load(records: Records, code: str) -> Agreement:
    """The agreement that is stored."""
    return records.agreements.load_agreements(FLOW, [code])[code]


def test_agreement_is_found_as_it_was_saved(records: Records) -> None:
    """Both sides' values come back letter by letter, those of other codes are not asked for."""
    first = agree("1", name=("Smith & Söhne", "SMITH & SOEHNE"), note=("", ""))
    records.agreements.save_agreements(FLOW, [first, agree("2"), agree("3", a=("x", "X"))])

    found = records.agreements.load_agreements(FLOW, ["2", "1", "4", "1"])

    assert found == {"1": first, "2": agree("2")}
    assert records.agreements.load_agreements(FLOW, []) == {}


def test_attribute_not_named_stays_as_it_was(records: Records) -> None:
    """A run that sees one attribute agree says nothing of the others; the newest run is named."""
    records.agreements.save_agreements(FLOW, [agree("1", a=("1", "1"), b=("2", "2"))])
    records.agreements.save_agreements(FLOW, [agree("1", "r2", b=("3", "III"), c=("4", "4"))])

    assert load(records, "1") == agree("1", "r2", a=("1", "1"), b=("3", "III"), c=("4", "4"))


def test_code_named_twice_in_one_call_is_merged_in_order(records: Records) -> None:
    """The later word on an attribute counts, as in two calls."""
    twice = [agree("1", a=("1", "1"), b=("1", "1")), agree("1", "r2", b=("2", "2"))]
    records.agreements.save_agreements(FLOW, twice)

    assert load(records, "1") == agree("1", "r2", a=("1", "1"), b=("2", "2"))


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=3)
SIDES = st.dictionaries(st.sampled_from("abc"), st.tuples(TEXTS, TEXTS))
CALLS = st.lists(
    st.lists(st.tuples(st.sampled_from(["A", "a", "Ä", "10", "9"]), SIDES), max_size=5), max_size=5
)


@given(calls=CALLS)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_agreements_are_the_sum_of_all_that_was_said(
    records: Records, calls: list[list[tuple[str, dict[str, tuple[str, str]]]]]
) -> None:
    """Whatever calls the words were split into, each attribute is as it was named last."""
    flow = f"flow {next(FLOWS)}"
    said: dict[str, dict[str, tuple[str, str]]] = {}
    for number, call in enumerate(calls):
        told = [agree(code, f"r{number}", **sides) for code, sides in call]
        records.agreements.save_agreements(flow, told)
        for code, sides in call:
            said[code] = said.get(code, {}) | sides

    found = records.agreements.load_agreements(flow, list(said))

    assert {
        code: {name: (one.model[name], one.erp[name]) for name in one.model}
        for code, one in found.items()
    } == said


STATEMENTS_MAX = 20
"""For a thousand agreements."""
FLOWS = iter(range(1_000_000))
"""Names of flows that no example shares with another."""


def test_attribute_of_one_side_only_is_refused(records: Records) -> None:
    """Half an agreement is none; the whole call leaves nothing behind."""
    half = Agreement(code="2", model={"a": "1"}, erp={"a": "1", "b": "2"}, run_id="r1")
    with pytest.raises(ValueError, match="agreement on 2 has b on one side only"):
        records.agreements.save_agreements(FLOW, [agree("1"), half])
    assert records.agreements.load_agreements(FLOW, ["1", "2"]) == {}


def test_value_that_is_no_text_is_refused(records: Records) -> None:
    """A float would come back as another number."""
    wrong: Any = 0.1
    with pytest.raises(TypeError, match="float"):
        records.agreements.save_agreements(FLOW, [agree("1", a=(wrong, "0.1"))])


def test_many_agreements_take_few_statements(records: Records) -> None:
    """A thousand suppliers are saved, saved again, and loaded, in hundreds at a time."""
    many = [agree(f"S{n}", **{f"a{m}": ("one", "ONE") for m in range(8)}) for n in range(1_000)]
    for _ in range(2):
        with CaptureQueriesContext(connection) as told:
            records.agreements.save_agreements(FLOW, many)
        assert len(told) <= STATEMENTS_MAX
    with CaptureQueriesContext(connection) as asked:
        found = records.agreements.load_agreements(FLOW, [one.code for one in many])
    assert found == {one.code: one for one in many}
    assert len(asked) == 2


SAVE_AND_DIE = """
from ml_connector.ports import Agreement
from ml_connector.records import agreements

original = agreements.AgreementRecords._merge
calls = []

def merge_or_die(self, *arguments):
    original(self, *arguments)
    calls.append(1)
    if len(calls) == 2:
        os._exit(9)

agreements.AgreementRecords._merge = merge_or_die
many = [Agreement(code=f"S{n:04}", model={"a": "new"}, erp={"a": "NEW"}, run_id="r2")
        for n in range(1000)]
open_records().agreements.save_agreements("suppliers", many)
"""


def test_process_killed_while_saving_leaves_whole_chunks(records: Records, spawn: Any) -> None:
    """What was stored stays, what was not is as it was, and attributes not named are kept."""
    old = [agree(f"S{n:04}", a=("old", "OLD"), b=("b", "B")) for n in range(1_000)]
    records.agreements.save_agreements(FLOW, old)
    dead = spawn(SAVE_AND_DIE)
    dead.communicate()
    assert dead.returncode == 9
    found = records.agreements.load_agreements(FLOW, [one.code for one in old])
    new = [code for code, one in found.items() if one.model["a"] == "new"]
    assert sorted(new) == [f"S{n:04}" for n in range(500)]
    assert {one.erp["b"] for one in found.values()} == {"B"}


SAVE_MANY = """
from ml_connector.ports import Agreement

name = sys.argv[1]
store = open_records().agreements
print("ready", flush=True)
sys.stdin.readline()
for n in range(30):
    store.save_agreements("suppliers", [
        Agreement(code=f"S{c}", model={f"{name}{n}": "m"}, erp={f"{name}{n}": "e"}, run_id=name)
        for c in range(5)
    ])
close()
"""


def test_processes_that_save_at_once_lose_no_attribute(records: Records, spawn: Any) -> None:
    """Each merges with what the other has just stored."""
    workers = [spawn(SAVE_MANY, name) for name in "xy"]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    for worker in workers:
        assert worker.communicate()[1] == ""
    wanted = {f"{name}{n}" for name in "xy" for n in range(30)}
    found = records.agreements.load_agreements(FLOW, [f"S{c}" for c in range(5)])
    assert [set(one.model) for one in found.values()] == [wanted] * 5


def test_organisations_and_flows_agree_apart(records: Records, records_clock: Clock) -> None:
    """The same code elsewhere is another member."""
    create_organisation("north")
    north = open_records("north", clock=records_clock).agreements
    records.agreements.save_agreements(FLOW, [agree("1", a=("1", "1"))])
    assert north.load_agreements(FLOW, ["1"]) == {}
    assert records.agreements.load_agreements("other", ["1"]) == {}
    north.save_agreements(FLOW, [agree("1", "r9", b=("2", "2"))])
    records.agreements.save_agreements("other", [agree("1", "r8", c=("3", "3"))])
    assert load(records, "1") == agree("1", a=("1", "1"))
