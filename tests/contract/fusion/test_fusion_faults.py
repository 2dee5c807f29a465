"""A pod that stumbles: tokens that die, gateways that give up, replies that break."""

from collections.abc import Callable
from typing import Any

import pytest

from ml_connector.domain.ledger import BatchStamp
from ml_connector.errors import (
    CredentialsError,
    ProtocolError,
    SystemUnavailableError,
)
from ml_connector.ports import CheckState
from ml_connector.systems.fusion.adapter import FusionSource

Build = Callable[..., FusionSource]


def count_lines(source: FusionSource, stamps: list[BatchStamp]) -> int:
    """Lines of the batches, after all were listed."""
    assert len(list(source.read_all_stamps())) > len(stamps)
    return sum(len(batch.lines) for _, batch in source.read_batches(stamps) if batch)


@pytest.fixture(scope="session")
def lines(shared_server: Any, sample: list[BatchStamp]) -> int:
    """Lines the sample holds, by the pod's own tables."""
    ids = ",".join(stamp.batch_id for stamp in sample)
    sql = (
        "SELECT COUNT(*) FROM je_lines l JOIN je_headers h ON h._id = l._parent"
        f" WHERE h._parent IN ({ids})"
    )
    return int(shared_server.store.query(sql)[0][0])


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "reset_before"},
        {"kind": "reset_after"},
        {"kind": "close_before"},
        {"kind": "close_after"},
        {"kind": "truncate_body", "cut_at": 40},
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 429, "retry_after": 3},
        {"kind": "html", "status": 503},
        {"kind": "html", "status": 504},
        {"kind": "slow_body", "pieces": 3, "pause_s": 0.01},
    ],
    ids=lambda rule: rule["kind"] + str(rule.get("status", "")),
)
def test_reading_outlives_a_fault_on_every_twentieth_request(
    pod: Any, build: Build, sample: list[BatchStamp], lines: int, rule: dict[str, Any]
) -> None:
    """Reads are repeated; nothing is read twice or not at all."""
    pod.spoil(path="journal", nth=5, every=20, times=None, **rule)

    assert count_lines(build(pod), sample) == lines


@pytest.mark.parametrize("retry_after", ["s", "date", "none"])
@pytest.mark.parametrize("status", [429, 503])
def test_reading_outlives_a_throttled_pod(
    pod: Any, build: Build, sample: list[BatchStamp], lines: int, status: int, retry_after: str
) -> None:
    """Either form of Retry-After, or none; any kind of body."""
    pod.turn(throttle={"status": status, "every": 7, "retry_after": retry_after})

    assert count_lines(build(pod), sample) == lines


def test_reading_outlives_tokens_that_live_for_seconds(
    pod: Any, build: Build, sample: list[BatchStamp], lines: int
) -> None:
    """Tokens are renewed as they age, by one log-in for all threads."""
    pod.turn(token_lifetime_s=5)
    source = build(pod)
    pod.server.journal.clear()
    # Far apart: a call whose thread waits its turn must not meet two ends, for it renews once.
    ends = {len(sample) // 3, 2 * len(sample) // 3}
    found = 0
    for number, (_, batch) in enumerate(source.read_batches(sample)):
        if number in ends:
            pod.clock.sleep(6)
        found += len(batch.lines) if batch else 0

    assert found == lines
    assert 2 <= len(pod.requests("/oauth2/")) <= len(sample)


def test_revoked_token_is_replaced_by_one_login(
    pod: Any, build: Build, sample: list[BatchStamp], lines: int
) -> None:
    """However many threads are turned away, one fetches the next token."""
    source = build(pod)
    source.read_server_time()
    pod.perform("revoke_tokens")
    pod.server.journal.clear()

    found = sum(len(batch.lines) for _, batch in source.read_batches(sample) if batch)

    assert found == lines
    assert len(pod.requests("/oauth2/")) == 1


def test_throttled_token_service_is_asked_again(
    pod: Any, build: Build, sample: list[BatchStamp], lines: int
) -> None:
    """A token call may be repeated: a second token harms nobody."""
    pod.turn(token_throttle={"status": 429, "every": 2})

    assert count_lines(build(pod), sample) == lines


def test_wrong_secret_is_told_by_its_code_and_never_shown(pod: Any, build: Build) -> None:
    """The code of the refusal, the thing to check, nothing of the secret."""
    pod.secrets.known["secret:client"] = "not-the-secret"

    with pytest.raises(CredentialsError, match="invalid_client") as raised:
        build(pod).read_ledgers()
    assert "not-the-secret" not in f"{raised.value} {raised.value.render_record()}"


def test_wrong_scope_is_told_with_how_to_write_it(pod: Any, build: Build) -> None:
    """Audience and scope stand together without a blank."""
    auth = {**pod.settings().auth.model_dump(mode="json"), "scope": "urn:opc:resource:none"}

    with pytest.raises(CredentialsError, match="without a blank"):
        build(pod, auth=auth).read_ledgers()


def test_missing_secret_is_named_by_its_reference(pod: Any, build: Build) -> None:
    """The vault's own error comes through."""
    pod.secrets.known.clear()

    with pytest.raises(CredentialsError, match="secret:client"):
        build(pod).read_ledgers()


def test_check_ends_after_a_refused_login(pod: Any, build: Build) -> None:
    """One finding that matters, and no raised error."""
    pod.secrets.known["secret:client"] = "wrong"

    checks = list(build(pod).check())

    assert [each.state for each in checks] == [CheckState.FAILED]
    assert "invalid_client" in checks[0].finding


def test_basic_login_reads_the_same(
    pod: Any, build: Build, sample: list[BatchStamp], lines: int
) -> None:
    """User and password do where the customer allows them."""
    auth = {"method": "basic", "user": "INTEGRATION.USER", "password": "secret:user"}

    assert count_lines(build(pod, auth=auth), sample) == lines
    assert not pod.requests("/oauth2/")[1:]


def test_refused_password_is_sent_once(pod: Any, build: Build) -> None:
    """A page of HTML becomes a log-in error after a single try: guessing locks accounts."""
    pod.turn(basic_auth="refused")
    auth = {"method": "basic", "user": "INTEGRATION.USER", "password": "secret:user"}
    source = build(pod, auth=auth)

    with pytest.raises(CredentialsError):
        source.read_server_time()
    assert len(pod.requests("/fscmRestApi/")) == 1


def test_maintenance_ends_as_unavailable(pod: Any, build: Build) -> None:
    """A pod in maintenance is waited for a while, then told, with its trace."""
    pod.spoil(kind="html", status=503, times=None, path="fscmRestApi")

    with pytest.raises(SystemUnavailableError, match="503"):
        list(build(pod).read_all_stamps())


def test_broken_json_that_stays_broken_is_refused(pod: Any, build: Build) -> None:
    """A page of the wrong kind with status 200 is no data."""
    pod.spoil(kind="html", status=200, times=None, path="journalBatches\\?")

    with pytest.raises(ProtocolError, match="HTML"):
        list(build(pod).read_all_stamps())


def test_failing_batch_does_not_leave_threads_behind(pod: Any, build: Build) -> None:
    """The first error ends the reading, whoever else is under way."""
    source = build(pod)
    stamps = list(source.read_all_stamps())
    pod.spoil(kind="html", status=200, times=None, path="journalLines", nth=10)

    with pytest.raises(ProtocolError):
        list(source.read_batches(stamps))
    after = len(pod.requests("journalLines"))
    assert after < len(stamps)


def test_stopping_to_listen_ends_the_reading(pod: Any, build: Build) -> None:
    """Batches nobody asks for any more are not fetched."""
    source = build(pod)
    stamps = list(source.read_all_stamps())
    reading = source.read_batches(stamps)

    next(reading)
    reading.close()  # type: ignore[attr-defined]  # a generator, promised as an iterator only

    asked = [path for path in pod.requests("/journalBatches/") if "/child/" not in path]
    assert len(asked) < len(stamps)
