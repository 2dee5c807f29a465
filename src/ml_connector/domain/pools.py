"""Threads for calls side by side."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import ParamSpec, TypeVar

from ml_connector.domain.money import use_exact_money

Given = ParamSpec("Given")
ResultT = TypeVar("ResultT")


class ExactPool(ThreadPoolExecutor):
    """A pool in whose threads money is exact, and which know on whose behalf they work.

    What the caller's context holds goes along with each call, such as the run that asks.
    """

    def submit(
        self, work: Callable[Given, ResultT], /, *given: Given.args, **named: Given.kwargs
    ) -> Future[ResultT]:
        """The call is queued; see the standard library's pool."""

        def execute() -> ResultT:
            # The caller's own decimal context would be shared by all threads.
            use_exact_money()
            return work(*given, **named)

        return super().submit(copy_context().run, execute)
