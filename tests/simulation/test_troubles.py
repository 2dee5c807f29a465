"""What befalls requests and processes of the simulation does befall them."""

import httpx2
import pytest
from tests.fakes.steps import Crash
from tests.simulation.life import FROZEN, Life
from tests.simulation.loopback import LATE, Delay, Loopback
from tests.simulation.world import World, open_world

from ml_connector.engine.errors import TakenForDeadError

pytestmark = pytest.mark.long
START = "/2/0/workspaces/1/models/2/imports/3/tasks"


def ask(world: World, life: Life) -> int:
    """The status of the answer to a start."""
    loopback = Loopback(world.pods.anaplan, wire=world.wire, life=life)
    request = httpx2.Request("POST", f"http://127.0.0.1:2{START}", content=b"{}")
    return loopback.handle_request(request).status_code


def count(world: World) -> int:
    """Requests the tenant has answered."""
    return int(world.pods.anaplan.store.query("SELECT COUNT(*) FROM journal")[0][0])


def test_held_up_write_comes_in_when_its_time_has_come_though_its_sender_is_dead() -> None:
    """Its client hears of a lost connection or nothing at all; the tenant answers it later."""
    with open_world(1) as world:
        for kills, told in ((False, httpx2.ReadError), (True, Crash)):
            delay = Delay(path=START, method="POST", nth=1, seconds=60.0, kills=kills)
            world.wire.delays[:], before = [delay], count(world)

            with pytest.raises(told):
                ask(world, Life())
            world.clock.sleep(59.0)
            early = count(world)
            at = world.clock.sandbox.now()
            world.clock.sleep(10.0)

            assert early == before
            assert count(world) == before + 1
            assert world.clock.sandbox.now() == pytest.approx(at + 10.0)
        assert world.wire.happened == [LATE, LATE]
        assert len(world.wire.arrivals) == count(world)


@pytest.mark.parametrize(("place", "seen"), [(1, 0), (2, 1)])
def test_frozen_process_wakes_up_when_others_have_its_runs(place: int, seen: int) -> None:
    """What it has sent comes in before or after that; it may do nothing else."""
    with open_world(1) as world:
        at: list[int] = []
        life = Life(dies_at={FROZEN: place}, freeze=lambda: at.append(count(world)))

        status = ask(world, life)

        assert (at, status, count(world)) == ([seen], 401, 1)
        life.verify()
        with pytest.raises(TakenForDeadError):
            life.verify_heard()
