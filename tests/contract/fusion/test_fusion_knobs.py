"""The same books come out of a pod whatever its open decisions are."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ml_connector.domain.ledger import Batch, BatchStamp
from ml_connector.errors import AccessDeniedError, ProtocolError
from ml_connector.ports import CheckState, Measure
from ml_connector.systems.fusion.adapter import FusionSource

Build = Callable[..., FusionSource]


def read_books(source: FusionSource, sample: list[BatchStamp]) -> dict[str, Batch]:
    """The sample's batches by id, after all batches were listed."""
    listed = {stamp.batch_id: stamp for stamp in source.read_all_stamps()}
    wanted = [listed[stamp.batch_id] for stamp in sample]
    return {
        stamp.batch_id: batch for stamp, batch in source.read_batches(wanted) if batch is not None
    }


@pytest.fixture(scope="session")
def true_books(shared_server: Any, sample: list[BatchStamp]) -> dict[str, list[tuple[Any, ...]]]:
    """The sample's lines, from the pod's own tables."""
    rows = shared_server.store.query(
        "SELECT b._id, h.JournalName, l.JeLineNumber, l.AccountCombination FROM je_batches b"
        " JOIN je_headers h ON h._parent = b._id JOIN je_lines l ON l._parent = h._id"
        " WHERE b.Status = 'P'"
    )
    books: dict[str, list[tuple[Any, ...]]] = {}
    wanted = {stamp.batch_id for stamp in sample}
    for batch_id, *line in rows:
        if str(batch_id) in wanted:
            books.setdefault(str(batch_id), []).append(tuple(line))
    return {batch_id: sorted(lines) for batch_id, lines in books.items()}


def outline(books: dict[str, Batch]) -> dict[str, list[tuple[Any, ...]]]:
    """What `true_books` holds, of our reading."""
    return {
        batch_id: sorted((line.journal, line.number, line.combination) for line in batch.lines)
        for batch_id, batch in books.items()
    }


@pytest.mark.parametrize(
    "switches",
    [
        {"max_limit": 499},
        {"max_limit": 100},
        {"items_missing_when_empty": True},
        {"opaque_keys": "reserved"},
        {"link_host": "443"},
        {"link_host": "https://foreign.example:8443"},
        {"default_order": "reversed"},
        {"has_more": "never"},
        {"batch_last_update_queryable": False, "batch_last_update_sortable": False},
        {"long_decimals_as_strings": False},
        {"total_results_fails": True},
        {"clob_fields_fail": True},
        {"nested_page_size": 1},
        {"semicolon_in_rowmatch": "and"},
        {"attribute_case": "insensitive"},
        {"double_quotes": "refused"},
        {"default_framework_version": 9},
        {"session_zone": "+14:00"},
        {"body_401": "empty", "bearer_challenge": True},
        {"empty_children_missing": True},
        {"total_results_drift": 7},
        {"without_credentials": "redirect"},
    ],
    ids=str,
)
def test_books_are_the_same_with_a_switch_turned(
    pod: Any, build: Build, sample: list[BatchStamp], true_books: Any, switches: dict[str, Any]
) -> None:
    """No open decision of the pod adds, loses or changes a line."""
    pod.turn(**switches)

    assert outline(read_books(build(pod), sample)) == true_books


@pytest.mark.parametrize("version", [5, 6, 7, 8, 9])
def test_books_are_the_same_in_each_framework_version(
    pod: Any, build: Build, sample: list[BatchStamp], version: int
) -> None:
    """Links in another place, decimals as strings: the batches are equal to the last field."""
    pinned = read_books(build(pod), sample)

    assert read_books(build(pod, framework_version=version), sample) == pinned


@pytest.mark.parametrize("language", ["de", "fr"])
def test_books_are_the_same_for_a_user_of_another_language(
    pod: Any, build: Build, sample: list[BatchStamp], language: str
) -> None:
    """Meanings are asked for in English: encumbrances, sources and categories stay."""
    plain = read_books(build(pod), sample)
    pod.turn(user_language=language)

    assert read_books(build(pod), sample) == plain


def test_framework_version_is_pinned_on_each_request(
    pod: Any, build: Build, sample: list[BatchStamp]
) -> None:
    """Without it, the pod would fall back to version 1."""
    source = build(pod)
    read_books(source, sample)
    list(source.check())
    list(source.discover())

    sent = [line for line in pod.server.journal.lines() if "/fscmRestApi/" in line.path]
    assert {line.headers.get("rest-framework-version") for line in sent} == {"4"}
    assert all(line.status == 200 for line in sent)


def test_listing_without_end_is_refused(pod: Any, build: Build) -> None:
    """An empty page that announces more ends the reading."""
    pod.turn(has_more="always")

    with pytest.raises(ProtocolError, match="announces more"):
        list(build(pod, page_size=20).read_all_stamps())


def test_repeated_page_of_lines_is_refused_with_the_batchs_name(pod: Any, build: Build) -> None:
    """Read twice, then given up: no line is taken for another."""
    stamps = list(build(pod).read_all_stamps())
    pod.turn(repeat_page=True)
    long = pod.server.store.query(
        "SELECT h._parent FROM je_headers h JOIN je_lines l ON l._parent = h._id"
        " GROUP BY h._id HAVING COUNT(*) > 500"
    )[0][0]
    wanted = [stamp for stamp in stamps if stamp.batch_id == str(long)]

    with pytest.raises(ProtocolError, match=f"Batch {long}") as raised:
        list(build(pod).read_batches(wanted))
    assert "second time" in str(raised.value)


def test_ledgers_out_of_sight_are_a_warning_not_an_error(pod: Any, build: Build) -> None:
    """Missing data access looks like an empty company, and check says so."""
    pod.turn(data_roles={"halden-connector": []})
    source = build(pod)

    states = {each.subject: each for each in source.check()}

    assert states["journals"].state is CheckState.WARNING
    assert "rights" in states["journals"].finding
    assert list(source.read_all_stamps()) == []


def test_lov_privilege_missing_is_named(pod: Any, build: Build) -> None:
    """Journals may be read while ledgers may not; the privilege to grant is told."""
    pod.turn(lov_privilege="denied")
    source = build(pod)

    checks = list(source.check())
    failed = {each.subject: each for each in checks if each.state is CheckState.FAILED}

    assert "FUN_GET_ENTERPRISE_STRUCTURES_REST_SERVICE_PRIV" in failed["ledgers"].next_step
    assert checks[-1].state is CheckState.FAILED
    with pytest.raises(AccessDeniedError):
        source.read_ledgers()


def test_journal_privilege_missing_is_found(pod: Any, build: Build) -> None:
    """A function privilege missing is a 403, not an empty list."""
    pod.turn(journal_privilege="denied")
    source = build(pod)

    found = {each.subject: each.state for each in source.check()}

    assert found["journals"] is CheckState.FAILED
    with pytest.raises(AccessDeniedError):
        list(source.read_all_stamps())


def test_change_date_that_cannot_be_queried_is_a_warning(pod: Any, build: Build) -> None:
    """The sweep works, at a price that is told."""
    pod.turn(batch_last_update_queryable=False)

    found = {each.subject: each.state for each in build(pod).check()}

    assert found["changes"] is CheckState.WARNING


def test_unconfigured_chart_is_a_warning_with_its_ledgers(pod: Any, build: Build) -> None:
    """Each visible ledger's chart is looked for."""
    source = build(pod, charts=[pod.settings().charts[0].model_dump(mode="json")])

    warned = [each for each in source.check() if each.state is CheckState.WARNING]

    assert [each.subject for each in warned] == ["charts"]
    assert "Halden Global Chart" in warned[0].finding
    assert "Halden Japan" in warned[0].finding


def test_clock_apart_from_the_pods_is_a_warning(pod: Any, build: Build) -> None:
    """Signed log-ins depend on it."""
    pod.clock.ahead = timedelta(seconds=3600)
    checks = {each.subject: each for each in build(pod).check()}

    assert checks["clock"].state is CheckState.WARNING
    assert re.search("360[01] s behind", checks["clock"].finding)


@pytest.mark.parametrize("max_limit", [1, 3])
def test_small_pages_change_neither_balances_nor_members(
    pod: Any, build: Build, max_limit: int
) -> None:
    """Every collection advances by what it received."""

    def read(source: FusionSource) -> tuple[Any, ...]:
        ledgers = source.read_ledgers()
        period = next(p for p in source.read_periods(ledgers[0]) if p.name == "Oct-26")
        balances = set(source.read_balances(ledgers[0], period, Measure.BASE))
        members = list(source.read_members("value-set:Halden Account"))
        return ledgers, balances, members

    whole = read(build(pod))
    pod.turn(max_limit=max_limit)

    assert read(build(pod)) == whole
