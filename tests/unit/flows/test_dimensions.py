"""Lists filled over the fakes: what the model did not take is told, and never forgotten."""

from dataclasses import replace
from typing import Any, cast

import pytest
from tests.fakes.desk import FakeDesk
from tests.fakes.ledger import line
from tests.fakes.list_desk import LIST, ListDesk, make_list_desk, supplier

from ml_connector.cli.report import _list_members, _tell_members
from ml_connector.flows.members import UnknownPropertyError
from ml_connector.ports import Json, RunState

FLAGS = {"one_time": {"Y": "TRUE", "N": "FALSE"}}
PARTLY, DONE = str(RunState.PARTLY), str(RunState.SUCCEEDED)
SENT = ("new", "changed", "refused", "warned", "unclear", "missing")


@pytest.fixture
def lists(desk: FakeDesk) -> ListDesk:
    """A list of suppliers; the source has two, of whom one is a one-time supplier."""
    lists = make_list_desk(desk, values=FLAGS)
    lists.supply(supplier("1"), supplier("2", "Y"))
    return lists


def counts(summary: Json) -> tuple[Any, ...]:
    """State and numbers of the list, in the order of `SENT`."""
    return (summary["state"], *(summary["lists"][LIST][name] for name in SENT))


def codes_sent(lists: ListDesk) -> list[list[str]]:
    """Codes of every load, in order."""
    return [[row["Code"] for row in rows] for rows in lists.target.loaded]


def test_value_the_model_did_not_take_is_told_with_its_reason(lists: ListDesk) -> None:
    """A warned row is in the list without its value: that is no success."""
    lists.supply(supplier("1"), supplier("2", "maybe"))

    summary = lists.run()

    assert counts(summary) == (PARTLY, 2, 0, 0, 1, 0, 0)
    assert summary["lists"][LIST]["warned_shown"] == [
        {"code": "2", "reason": "Invalid boolean: maybe"}
    ]
    assert lists.target.items["2"]["One-Time"] == ""


def test_value_not_taken_is_sent_again_and_told_again(lists: ListDesk) -> None:
    """What the model lacks is a difference for every run until the model has it."""
    lists.supply(supplier("1"), supplier("2", "maybe"))
    lists.run()

    again = lists.run()
    lists.target.boolean = ""
    mended = lists.run()
    quiet = lists.run()

    assert counts(again) == (PARTLY, 0, 1, 0, 1, 0, 0)
    assert counts(mended) == (DONE, 0, 1, 0, 0, 0, 0)
    assert counts(quiet) == (DONE, 0, 0, 0, 0, 0, 0)
    assert codes_sent(lists) == [["1", "2"], ["2"], ["2"]]
    assert lists.target.items["2"]["One-Time"] == "maybe"


def test_value_not_taken_is_seen_by_a_dry_run(lists: ListDesk) -> None:
    """`plan` counts the member as one that would be sent."""
    lists.supply(supplier("1"), supplier("2", "maybe"))
    lists.run()

    summary = lists.run(dry_run=True)

    assert counts(summary) == (DONE, 0, 1, 0, 0, 0, 0)
    assert summary["lists"][LIST]["shown"] == ["2"]


def test_value_that_went_back_to_what_was_taken_is_sent(lists: ListDesk) -> None:
    """A warned row may have been taken in part, so what was told before it no longer counts."""
    lists.run()
    lists.supply(supplier("1"), supplier("2", "maybe", alias="NEW"))
    lists.run()
    lists.supply(supplier("1"), supplier("2", "Y"))

    summary = lists.run()

    assert counts(summary) == (DONE, 0, 1, 0, 0, 0, 0)
    assert lists.target.items["2"]["Alias"] == ""


def test_refused_and_warned_members_are_open_until_a_later_load_takes_them(
    lists: ListDesk,
) -> None:
    """The records hold the newest reason of each member, once, and none when it is settled."""
    lists.supply(supplier("1"), supplier("2", "maybe"), supplier("3"))
    lists.target.refuse = lambda row: "Name already exists" if row["Code"] == "3" else None
    first = lists.run()
    lists.run()

    loads = lists.records.loads
    still = loads.load_refused(lists.flow.name)
    [_, load] = loads.load_loads(flow=lists.flow.name)
    lists.target.refuse = lambda _: None
    lists.supply(supplier("1"), supplier("2", "N"), supplier("3"))
    lists.run()

    assert counts(first) == (PARTLY, 3, 0, 1, 1, 0, 0)
    assert first["lists"][LIST]["refused_shown"] == [{"code": "3", "reason": "Name already exists"}]
    assert [(row.key, row.reasons) for row in still] == [
        ((LIST, "2"), ("Invalid boolean: maybe",)), ((LIST, "3"), ("Name already exists",)),
    ]  # fmt: skip
    assert {row.load_id for row in still} == {load.load_id}
    assert (load.cells_sent, load.cells_refused) == (2, 2)
    assert loads.load_refused(lists.flow.name) == []


@pytest.mark.parametrize(
    ("ends_as", "reason"),
    [("lost", "failure dump"), ("vanished", "forgot the task"), ("ignored", "ignored rows")],
)
def test_values_nobody_can_vouch_for_are_told_and_sent_again(
    lists: ListDesk, ends_as: str, reason: str
) -> None:
    """A list shows names and parents; whether values were taken only the dump could have said."""
    lists.supply(supplier("1"), supplier("2", "maybe"))
    lists.target.ends_as = ends_as

    unclear = lists.run()
    lists.supply(supplier("1"), supplier("2", "Y"))
    lists.target.ends_as = ""
    settled = lists.run()
    quiet = lists.run()

    assert counts(unclear) == (PARTLY, 2, 0, 0, 0, 2, 0)
    assert reason in unclear["lists"][LIST]["unclear_reason"]
    assert counts(settled) == (DONE, 0, 2, 0, 0, 0, 0)
    assert counts(quiet) == (DONE, 0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize("ends_as", ["lost", "vanished", "ignored"])
def test_list_without_properties_vouches_for_itself(lists: ListDesk, ends_as: str) -> None:
    """Names are read back, and there is nothing else that could be missing."""
    lists.change()
    lists.target.ends_as = ends_as

    assert counts(lists.run()) == (DONE, 2, 0, 0, 0, 0, 0)
    assert counts(lists.run()) == (DONE, 0, 0, 0, 0, 0, 0)


def test_dump_that_names_no_member_leaves_the_load_unclear(lists: ListDesk) -> None:
    """A row nobody sent may stand for any of those that were."""
    lists.supply(supplier("1"), supplier("2", "maybe"))
    lists.target = cast("Any", _Renamed(lists.target, lists.target.parse_dump))

    summary = lists.run()

    assert summary["state"] == PARTLY
    assert summary["lists"][LIST]["unclear"] == 2
    assert lists.run()["lists"][LIST]["changed"] == 2


class _Renamed:
    """A model whose dumps tell codes in another column."""

    def __init__(self, target: Any, parse: Any) -> None:
        self._target = target
        self._parse = parse

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    def parse_dump(self, content: Any) -> Any:
        """The rows without the column `Code`."""
        for row in self._parse(content):
            yield row._replace(columns={k: v for k, v in row.columns.items() if k != "Code"})


@pytest.mark.parametrize("one_time", ["Y", "N", "", "X"])
def test_values_are_sent_in_the_models_words(lists: ListDesk, one_time: str) -> None:
    """A value goes by its rule; one without a rule goes as it is."""
    lists.supply(supplier("1", one_time))

    lists.run()

    [[row]] = lists.target.loaded
    assert row["One-Time"] == {"Y": "TRUE", "N": "FALSE"}.get(one_time, one_time)
    assert row["Alias"] == ""


def test_property_the_source_does_not_have_is_refused_before_anything_is_sent(
    lists: ListDesk,
) -> None:
    """A column of blanks would empty what the model holds, so its name is told, and those known."""
    lists.run()
    lists.change(properties={"one_tiem": "One-Time", "alias": "Alias", "aliass": "Other"})

    with pytest.raises(UnknownPropertyError) as caught:
        lists.run()

    error = caught.value
    assert "Suppliers: aliass, one_tiem" in error.refused
    assert "alias, one_time" in error.next_step
    assert len(lists.target.loaded) == 1
    assert not any("upload" in name for name in lists.steps)


def test_second_list_with_an_unknown_property_holds_the_first(lists: ListDesk) -> None:
    """All lists are compared before any is sent."""
    [good] = lists.flow.lists
    wrong = good.model_copy(
        update={"list": "Others", "columns": good.columns.model_copy(
            update={"properties": {"city": "One-Time", "alias": "Alias"}, "values": {}}
        )},
    )  # fmt: skip
    lists.flow = lists.flow.model_copy(update={"lists": (good, wrong)})

    with pytest.raises(UnknownPropertyError, match="Others: city"):
        lists.run()

    assert lists.target.loaded == []


def test_empty_source_has_no_property_to_refuse(lists: ListDesk) -> None:
    """Nothing is known of members nobody shows, and nothing is sent of them."""
    lists.change(properties={"no_such": "One-Time"})
    lists.supply()

    assert counts(lists.run()) == (DONE, 0, 0, 0, 0, 0, 0)


def test_report_names_what_was_not_taken(
    lists: ListDesk, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table counts them, and the first ones stand below it with the model's own reason."""
    lists.supply(supplier("1", "so so"), supplier("2", "maybe"), supplier("3"))
    lists.target.refuse = lambda row: "Name already exists" if row["Code"] == "3" else None
    summary = lists.run()

    listing = _list_members(summary)
    _tell_members(summary)
    told = capsys.readouterr().err

    [row] = listing.rows
    shown = dict(zip(listing.columns, row, strict=True))
    assert (shown["Refused"], shown["Values not taken"], shown["Missing"]) == (1, 2, 0)
    assert "Suppliers: 1 refused" in told
    assert "3: Name already exists" in told
    assert "Suppliers: of 2 members in the list values are missing" in told
    assert "1: Invalid boolean: so so" in told


def test_report_tells_of_values_nobody_can_vouch_for(
    lists: ListDesk, capsys: pytest.CaptureFixture[str]
) -> None:
    """A number alone would not say why the run is no success."""
    lists.target.ends_as = "vanished"

    _tell_members(lists.run())

    assert "Suppliers: whether the values of 2 members were taken" in capsys.readouterr().err


def test_report_of_an_older_run_is_shown_as_it_was_stored() -> None:
    """Summaries are kept for years; one of before has fewer numbers."""
    row = {"members": 1, "new": 1, "changed": 0, "refused": 0, "missing": 0, "only_in_model": 0}

    listing = _list_members({"lists": {LIST: row}})

    assert list(listing.rows) == [(LIST, 1, 1, 0, 0, 0, 0, 0)]


def test_list_taken_in_part_ahead_of_facts_is_no_full_success(
    desk: FakeDesk, lists: ListDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An actuals run that fills its lists first tells what they lack, whatever became of cells."""
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "1"))
    short = {"refused": 0, "warned": 2, "unclear": 0, "missing": 0}
    told = {"lists": {LIST: short, "Entities": dict.fromkeys(short, 0)}}
    monkeypatch.setattr("ml_connector.flows.actuals.run_dimensions", lambda *_: told)
    bench = replace(desk.bench(), dimensions=lists.bench())
    monkeypatch.setattr(FakeDesk, "bench", lambda _: bench)

    summary = desk.run()

    assert summary["state"] == PARTLY
    assert summary["lists_short"] == {LIST: short}
