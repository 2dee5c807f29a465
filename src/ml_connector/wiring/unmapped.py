"""Values no rule takes: who looks after them, what fits them, and their periods done again."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ml_connector.domain.texts import verify_length
from ml_connector.errors import UsageError
from ml_connector.ports import Json, RunRow
from ml_connector.ports.unmapped import UnmappedFilter, UnmappedValue
from ml_connector.settings import ActualsFlow
from ml_connector.wiring.parts import Part

if TYPE_CHECKING:
    from ml_connector.domain.mapping_rules import MappingSet
    from ml_connector.domain.mapping_suggestions import Advisor, MemberList, Suggestion
    from ml_connector.flows.answers.listing import Listing
    from ml_connector.flows.placing.behind import LineBehind
    from ml_connector.flows.placing.rulebook import RulesInForce

LISTS_KEPT = 16
"""Lists of the model that stay read."""
RUNS_SEARCHED_MAX = 20
"""Newest runs looked through for the list of the model that was compared last."""
NOTE_CHARACTERS_MAX = 500
SHADOWS_MAX = 3
"""Newest planning periods whose loaded members are known where no list is kept."""


class UnknownValueError(UsageError):
    """No placing has found the value unmapped."""

    code = "mapping.unknown-value"


class NothingToPlaceError(UsageError):
    """The value lies in no planning period any more."""

    code = "mapping.nothing-to-place"


class Unmapped(Part):
    """The house's queue of unmapped values; the house itself supplies records and benches."""

    if TYPE_CHECKING:

        def find_rules(self, flow_name: str) -> RulesInForce:
            """The rules in force."""

    def list_unmapped(self, asked: UnmappedFilter, *, limit: int, offset: int = 0) -> "Listing":
        """The queue, the largest amount first, with what fits each value and why."""
        from ml_connector.flows.answers.mapping_listings import (  # noqa: PLC0415 - start-up time.
            list_values,
        )

        values = self.records.unmapped.load_values(asked, limit=limit, offset=offset)
        return list_values(values, self.suggest_members(values), self.is_settled(values))

    def find_unmapped(self, flow_name: str, dimension: str, value: str) -> UnmappedValue:
        """A value of the queue, also when it has left it.

        Raises:
            UnknownValueError: It was never there.
        """
        flow = self.actuals_flow(flow_name)
        asked = UnmappedFilter(flow=flow.name, dimension=dimension, text=value)
        found = self.records.unmapped.find_by_value(asked)
        if found is None:
            raise UnknownValueError(
                f"No run of flow {flow.name} has found {dimension} {value!r} unmapped.",
                written="Nothing was changed.",
                next_step=f"List what is: `ml-connector unmapped list {flow.name}`.",
                flow=flow.name, dimension=dimension, value=value,
            )  # fmt: skip
        return found

    def assign_unmapped(
        self, flow_name: str, dimension: str, value: str, *, owner: str, note: str
    ) -> UnmappedValue:
        """Somebody looks after the value, or nobody does when the owner is empty.

        Raises:
            UsageError: There is no such value, or no such person, or the note is too long.
        """
        note = verify_length(note, most=NOTE_CHARACTERS_MAX, what="The note")
        found = self.find_unmapped(flow_name, dimension, value)
        person = self.records.people.find_person(owner) if owner else None
        if owner and (person is None or not person.is_active):
            raise UsageError(
                f"There is nobody named {owner!r} who may sign in.",
                written="Nothing was changed.",
                next_step="List the people: `ml-connector users list`.",
                owner=owner,
            )
        with self.records.transactions.begin(f"the owner of {value}"):
            self.records.unmapped.save_owner(found, owner=owner, note=note, actor=self.actor)
            self.records.audit.record(
                "unmapped.assigned", subject=flow_name, actor=self.actor, dimension=dimension,
                value=value, owner=owner, note=note,
            )  # fmt: skip
        return self.find_unmapped(flow_name, dimension, value)

    def suggest_members(self, values: Sequence[UnmappedValue]) -> list["Suggestion | None"]:
        """What fits each value, and why; nothing where the evidence is thin. Applied by people."""
        from ml_connector.domain.mapping_suggestions import Advisor  # noqa: PLC0415 - start-up.

        advisors: dict[tuple[str, str, str], Advisor | None] = {}
        found: list[Suggestion | None] = []
        for one in values:
            key = (one.flow, one.dimension, one.fact)
            if key not in advisors:
                advisors[key] = self._make_advisor(*key)
            advisor = advisors[key]
            found.append(advisor.suggest(one.value) if advisor else None)
        return found

    def _make_advisor(self, flow_name: str, dimension: str, fact: str) -> "Advisor | None":
        from ml_connector.domain.mapping_suggestions import Advisor  # noqa: PLC0415 - start-up.

        mapping = self._find_mapping(flow_name)
        if mapping is None:
            return None
        flow = self.actuals_flow(flow_name)
        return Advisor(mapping, dimension, fact, self.find_members(flow, dimension))

    def find_members(self, flow: ActualsFlow, dimension: str) -> "MemberList | None":
        """The members of the dimension's list, as a run last compared them with the model.

        Where no run of the connector keeps the list, the members the model took amounts for.
        """
        name = next((d.list for d in flow.dimensions if d.name == dimension), "") or dimension
        dimensions = self.project.flows.get(flow.dimensions_flow)
        lists = getattr(dimensions, "lists", ())
        columns = next((row.columns for row in lists if row.list == name), None)
        if dimensions is not None and columns is not None:
            document = self._find_compared([flow.name, dimensions.name], name)
            if document:
                archived = _Archived(self.archive)
                return _read_list(archived, document, name, (columns.code, columns.name))
        place = [d.name for d in flow.dimensions].index(dimension)
        return self._find_loaded(flow, name, place)

    def _find_loaded(self, flow: ActualsFlow, name: str, place: int) -> "MemberList | None":
        bench = self.actuals_bench(flow)
        _, files = self.records.loads.load_shadow(flow.name, bench.target.model_id)
        newest = [row.member for row in self.records.unmapped.load_placed(flow.name)]
        chosen = [files[member] for member in newest if files.get(member)][:SHADOWS_MAX]
        if not chosen:
            return None
        return _read_loaded(_Archived(self.archive), tuple(chosen), name, place)

    def _find_compared(self, flow_names: Sequence[str], list_name: str) -> str:
        """Hash of the list as the newest run has compared it; empty where none has."""
        wanted = f"members of {list_name}: compare"
        runs = self.records.runs
        for flow_name in flow_names:
            step = runs.find_done_step(flow_name, wanted, runs_max=RUNS_SEARCHED_MAX)
            if step is not None:
                return str(step.result.get("desired", ""))
        return ""

    def is_settled(self, values: Sequence[UnmappedValue]) -> list[bool]:
        """Whether the rules in force map each value by now, so that it only waits for a run."""
        from ml_connector.domain.mapping import Mapped, Mapper  # noqa: PLC0415 - start-up time.

        mappers: dict[tuple[str, str], Mapper | None] = {}
        settled = []
        for one in values:
            key = (one.flow, one.dimension)
            if key not in mappers:
                mapping = self._find_mapping(one.flow)
                mappers[key] = None if mapping is None else Mapper(mapping, [one.dimension])
            mapper = mappers[key]
            found = mapper.map_facts(one.facts, one.on) if mapper else None
            settled.append(isinstance(found, Mapped))
        return settled

    def _find_mapping(self, flow_name: str) -> "MappingSet | None":
        """The rules in force; None of a flow that is gone, or whose file holds faults."""
        if not isinstance(self.project.flows.get(flow_name), ActualsFlow):
            return None
        try:
            return self.find_rules(flow_name).mapping
        except UsageError:
            return None

    def list_lines_behind(self, value: UnmappedValue) -> list["LineBehind"]:
        """Some of the journal lines on the value."""
        from ml_connector.flows.placing.behind import find_lines_behind  # noqa: PLC0415 - same.

        bench = self.actuals_bench(self.actuals_flow(value.flow))
        return find_lines_behind(bench, value, value.members)

    def place_again(self, flow_name: str, members: Sequence[str], *, key: str = "") -> RunRow:
        """A run of these planning periods, and of loaded ones that changed rules reach, is queued.

        Raises:
            UsageError: No period is named; a run of none would be one of all that is due.
            BusyError: The flow has an unfinished run; names it.
        """
        if not members:
            raise NothingToPlaceError(
                f"No period of flow {flow_name} is named that could be placed again.",
                written="Nothing was started.",
                next_step=f"List what is unmapped: `ml-connector unmapped list {flow_name}`.",
                flow=flow_name,
            )
        request: Json = {"remap": True, "members": sorted(members)}
        return self.enqueue_run(self.actuals_flow(flow_name).name, request, key=key)


class _Archived:
    """The archive as what a cache may keep by: all of a process are alike."""

    def __init__(self, archive: Any) -> None:
        self.archive = archive

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Archived)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=LISTS_KEPT)
def _read_list(
    archived: _Archived, document: str, name: str, columns: tuple[str, str]
) -> "MemberList":
    from ml_connector.domain.mapping_suggestions import MemberList  # noqa: PLC0415 - start-up.
    from ml_connector.flows.bench import read_document  # noqa: PLC0415 - as above.

    rows = read_document(archived.archive, document)
    return MemberList(name=name, members={row[columns[0]]: row[columns[1]] for row in rows})


@lru_cache(maxsize=LISTS_KEPT)
def _read_loaded(
    archived: _Archived, files: tuple[str, ...], name: str, place: int
) -> "MemberList":
    from ml_connector.domain.mapping_suggestions import MemberList  # noqa: PLC0415 - start-up.

    codes = {row.key[place] for one in files for row in archived.archive.read_summaries(one)}
    return MemberList(name=name, members=dict.fromkeys(sorted(codes), ""))
