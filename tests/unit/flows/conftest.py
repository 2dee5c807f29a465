"""A desk per test: fakes around real records and a real archive in the test's own folder."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.clock import FakeClock
from tests.fakes.desk import FakeDesk, make_flow, make_source, make_target
from tests.fakes.standing import Standing, make_records
from tests.fakes.supplier_desk import SupplierDesk
from tests.fakes.suppliers import FakeSuppliers

from ml_connector.archive import LocalArchive
from ml_connector.domain.money import exact_money
from ml_connector.records import close, configure, open_records

MakeDesk = Callable[..., FakeDesk]


@pytest.fixture(scope="session")
def records_template(standing: Standing) -> Path:
    """A migrated, empty database that tests copy; migrating takes seconds."""
    return make_records(standing)


@pytest.fixture
def make_desk(records_template: Path, tmp_path: Path) -> Iterator[MakeDesk]:
    """Makes the desk of a test; arguments are keys of the flow's settings."""
    path = tmp_path / "records.db"
    shutil.copy(records_template, path)
    close()
    configure(f"sqlite:///{path}", secret_key="only for tests")

    def make(**changes: Any) -> FakeDesk:
        clock = FakeClock()
        flow = make_flow(**changes)
        return FakeDesk(
            flow=flow,
            clock=clock,
            source=make_source(clock, *flow.ledgers),
            target=make_target(clock, flow),
            records=open_records(clock=clock),
            archive=LocalArchive(tmp_path / "archive", organisation="default"),
        )

    with exact_money():
        yield make
    close()


@pytest.fixture
def desk(make_desk: MakeDesk) -> FakeDesk:
    """The desk of one ledger in snapshot mode."""
    return make_desk()


@pytest.fixture
def sender(make_desk: MakeDesk) -> SupplierDesk:
    """A desk that sends plans of supplier revisions to an ERP of seven suppliers."""
    desk = make_desk()
    erp = FakeSuppliers(clock=desk.clock)
    for number in range(1, 8):
        erp.add(f"000{number}", alias=f"OLD {number}")
    return SupplierDesk(desk=desk, erp=erp)
