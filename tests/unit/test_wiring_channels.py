"""Channels as people see them: each with the last message it was sent."""

from types import SimpleNamespace
from typing import Any

from ml_connector.wiring.alerts import Alerts

OTHERS = 300
"""Newer messages of a busier channel."""


class Deliveries:
    """Messages, the newest last."""

    def __init__(self, *channels: str) -> None:
        self._rows = [SimpleNamespace(channel=name, number=at) for at, name in enumerate(channels)]

    def load_deliveries(self, *, channel: str = "", limit: int = 50) -> list[Any]:
        """The newest first."""
        fits = [row for row in reversed(self._rows) if channel in ("", row.channel)]
        return fits[:limit]


def test_last_message_of_a_channel_is_found_behind_any_number_of_others() -> None:
    """A quiet channel is not shown as one that was never told anything."""
    names = ("quiet", "busy", "never")
    channels = [SimpleNamespace(name=name, address="secret:none") for name in names]
    house: Any = Alerts()
    alerts = SimpleNamespace(channels=channels)
    house.project = SimpleNamespace(settings=SimpleNamespace(alerts=alerts))
    deliveries = Deliveries("quiet", *["busy"] * OTHERS)
    house.records = SimpleNamespace(alerts=deliveries)
    house.vault = SimpleNamespace(read_secret=lambda _: "json://127.0.0.1:9/x")

    told = {view.channel.name: view.last for view in house.list_channels()}

    assert [told["busy"].number, told["quiet"].number, told["never"]] == [OTHERS, 0, None]
