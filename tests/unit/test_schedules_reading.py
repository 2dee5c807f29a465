"""Files of schedules that change while a process serves them."""

from pathlib import Path

import pytest

from ml_connector.errors import DatabaseAwayError
from ml_connector.wiring.house import House
from ml_connector.wiring.projects import read_project
from ml_connector.wiring.telling import Tell

CALENDAR = "name: works\nweekdays: [Mon, Tue]\n"


def test_changed_file_is_taken_in_though_the_database_was_away_when_it_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read is owed to the records until they have it, and told to them once."""
    monkeypatch.setattr("ml_connector.wiring.folder.LOOK_S", 0.0)
    (tmp_path / "ml-connector.yaml").write_text("organisation: default\n")
    house, taken, is_away = House(read_project(tmp_path, None)), [], True

    def take_in(_tell: Tell) -> None:
        if is_away:
            raise DatabaseAwayError("records", fault="away", is_back=lambda: True)
        taken.append(list(house.project.calendars))

    monkeypatch.setattr(house, "_take_in", take_in)
    refresh = house._make_refresh(lambda _text: None)
    (tmp_path / "calendars").mkdir()
    (tmp_path / "calendars" / "works.yaml").write_text(CALENDAR)
    with pytest.raises(DatabaseAwayError):
        refresh()
    is_away = False
    refresh()
    refresh()
    assert taken == [["works"]]
