"""Tokens: one log-in for all threads, renewed in time, never shown."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from ml_connector.errors import CredentialsError
from ml_connector.systems.tokens import (
    BasicAuthorizer,
    TokenAuthorizer,
    TokenCache,
    TokenGrant,
)


class MovedClock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 3, 8, tzinfo=UTC)

    def now(self) -> datetime:
        """The instant it stands at."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """It stands that much later."""
        self.at += timedelta(seconds=seconds)


class Issuer:
    """Numbers its tokens and keeps what it was asked with."""

    def __init__(self, clock: MovedClock, *, lifetime_s: float = 3600, slow_s: float = 0) -> None:
        self.clock = clock
        self.lifetime_s = lifetime_s
        self.slow_s = slow_s
        self.asked: list[str | None] = []

    def __call__(self, living: str | None) -> TokenGrant:
        """The next number."""
        self.asked.append(living)
        self.clock.sleep(self.slow_s)
        return TokenGrant(value=f"t{len(self.asked)}", lifetime_s=self.lifetime_s)


class CountedLock:
    """Tells when the fourth thread has come to the door."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.count = 0
        self.fourth = threading.Event()

    def __enter__(self) -> None:
        self.count += 1
        if self.count == 4:
            self.fourth.set()
        self.lock.acquire()

    def __exit__(self, *_: object) -> None:
        self.lock.release()


def test_token_is_fetched_once_while_it_lives() -> None:
    """A token serves until a minute before its end."""
    clock = MovedClock()
    issuer = Issuer(clock)
    cache = TokenCache(issuer, clock=clock)

    first = cache.read_token()
    clock.sleep(3539)
    same = cache.read_token()
    clock.sleep(1)
    renewed = cache.read_token()

    assert (first, same, renewed) == ("t1", "t1", "t2")
    assert issuer.asked == [None, "t1"]


def test_token_life_counts_from_before_the_request() -> None:
    """A log-in of 100 s leaves 100 s less of the life."""
    clock = MovedClock()
    issuer = Issuer(clock, slow_s=100)
    cache = TokenCache(issuer, clock=clock)

    cache.read_token()
    clock.sleep(3440)

    assert cache.read_token() == "t2"


def test_short_token_is_not_renewed_per_call() -> None:
    """The lead shrinks to a quarter of a five-second life."""
    clock = MovedClock()
    cache = TokenCache(Issuer(clock, lifetime_s=5), clock=clock)

    cache.read_token()
    clock.sleep(3)
    same = cache.read_token()
    clock.sleep(1)

    assert (same, cache.read_token()) == ("t1", "t2")


def test_dead_token_is_not_offered_for_renewal() -> None:
    """Only a living token can be prolonged; after its end it is a new log-in."""
    clock = MovedClock()
    issuer = Issuer(clock)
    cache = TokenCache(issuer, clock=clock)

    cache.read_token()
    clock.sleep(3600)
    cache.read_token()

    assert issuer.asked == [None, None]


def test_rejected_token_is_replaced_once_for_all_threads() -> None:
    """A late report of the old token does not throw the new one away."""
    clock = MovedClock()
    issuer = Issuer(clock)
    authorizer = TokenAuthorizer(TokenCache(issuer, clock=clock), scheme="AnaplanAuthToken")

    used = authorizer.headers()
    assert authorizer.on_unauthorized(used)
    after_first = authorizer.headers()
    assert authorizer.on_unauthorized(used)

    assert after_first == {"Authorization": "AnaplanAuthToken t2"}
    assert authorizer.headers() == after_first
    assert issuer.asked == [None, None]


def test_threads_share_one_login() -> None:
    """Eight threads that start together make one request."""
    clock = MovedClock()
    barrier = threading.Barrier(8)
    issuer = Issuer(clock)
    cache = TokenCache(issuer, clock=clock)

    def read(_: int) -> str:
        barrier.wait(timeout=10)
        return cache.read_token()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(read, range(8))) == {"t1"}
    assert len(issuer.asked) == 1


def test_failed_login_is_shared_by_the_threads_that_waited() -> None:
    """A wrong password is sent once, not once per thread; a later call tries anew."""
    clock = MovedClock()
    tries: list[int] = []
    entered, go_on = threading.Event(), threading.Event()

    def refuse(_: str | None) -> TokenGrant:
        tries.append(1)
        entered.set()
        go_on.wait(timeout=10)
        raise CredentialsError("No.", written="", next_step="")

    cache = TokenCache(refuse, clock=clock)
    lock = cache._lock = CountedLock()  # type: ignore[assignment]  # a lock that counts who comes

    def read() -> bool:
        with pytest.raises(CredentialsError):
            cache.read_token()
        return True

    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(read)
        entered.wait(timeout=10)
        waiting = [pool.submit(read) for _ in range(3)]
        assert lock.fourth.wait(timeout=10)
        go_on.set()
        assert all(each.result() for each in [first, *waiting])
    assert len(tries) == 1
    assert read()
    assert len(tries) == 2


def test_basic_credentials_are_sent_and_never_renewed() -> None:
    """A rejected password stays rejected."""
    authorizer = BasicAuthorizer("INTEGRATION.USER", lambda: "pä")

    assert authorizer.headers() == {"Authorization": "Basic SU5URUdSQVRJT04uVVNFUjpww6Q="}
    assert not authorizer.on_unauthorized(authorizer.headers())


def test_token_is_not_shown() -> None:
    """A grant may be printed without showing its token."""
    assert "abc" not in repr(TokenGrant(value="abc", lifetime_s=1))
