"""Threads of a pool: exact, and on behalf of whoever asked."""

from contextvars import ContextVar
from decimal import Decimal, Inexact, getcontext

import pytest

from ml_connector.domain.money import exact_money
from ml_connector.domain.pools import ExactPool

_asks: ContextVar[str] = ContextVar("asks", default="nobody")


def test_each_call_works_on_behalf_of_who_submitted_it() -> None:
    """One pool serves several runs in turn."""
    with ExactPool(1) as pool:
        _asks.set("run 1")
        first = pool.submit(_asks.get)
        _asks.set("run 2")
        assert [*pool.map(lambda _: _asks.get(), range(2))] == ["run 2", "run 2"]
        assert first.result() == "run 1"


def test_money_is_exact_in_every_call_and_no_context_is_shared() -> None:
    """What does not fit is trapped, whatever the caller's context allows."""
    with ExactPool(2) as pool:
        with pytest.raises(Inexact):
            pool.submit(lambda: Decimal(1) / Decimal(3)).result()
        with exact_money():
            theirs = {id(pool.submit(getcontext).result()) for _ in range(3)}
            assert id(getcontext()) not in theirs
