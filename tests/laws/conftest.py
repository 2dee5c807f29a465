"""How the laws are searched: no deadline on a shared machine, and a blob to repeat a failure."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from ml_connector.domain.money import exact_money

settings.register_profile(
    "laws",
    deadline=None,
    print_blob=True,
    max_examples=30,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("laws")


@pytest.fixture(autouse=True)
def _exact() -> Iterator[None]:
    """Every law is computed as the product computes: exactly, or with an exception."""
    with exact_money():
        yield
