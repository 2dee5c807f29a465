"""How every law is computed."""

from collections.abc import Iterator

import pytest

from ml_connector.domain.money import exact_money


@pytest.fixture(autouse=True)
def _exact() -> Iterator[None]:
    """Every law is computed as the product computes: exactly, or with an exception."""
    with exact_money():
        yield
