"""What every template knows."""

from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.http import HttpRequest

from ml_connector.ports import Right
from ml_connector.web.desk import find_house


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An entry of the navigation."""

    title: str
    path: str
    group: str
    right: Right = Right.SEE

    def is_here(self, path: str) -> bool:
        """Whether that path lies under this entry."""
        return path == self.path or (self.path != "/" and path.startswith(self.path))


MONTH_END, WORK, RULES, SET_UP = "Month end", "Work", "Rules", "Set-up"
PLACES = (
    Place(title="Close", path="/", group=MONTH_END),
    Place(title="Reconciliation", path="/reconciliation/", group=MONTH_END),
    Place(title="Trace", path="/trace/", group=MONTH_END),
    Place(title="Flows", path="/flows/", group=WORK),
    Place(title="Runs", path="/runs/", group=WORK),
    Place(title="Plans", path="/plans/", group=WORK),
    Place(title="Refused", path="/refused/", group=WORK),
    Place(title="Mapping", path="/mapping/", group=RULES),
    Place(title="Unmapped", path="/unmapped/", group=RULES),
    Place(title="Schedules", path="/schedules/", group=SET_UP),
    Place(title="Alerts", path="/alerts/", group=SET_UP),
    Place(title="Connections", path="/connections/", group=SET_UP),
    Place(title="People", path="/people/", group=SET_UP, right=Right.ADMINISTER),
    Place(title="Tokens", path="/tokens/", group=SET_UP),
)
"""In the order of the navigation, group by group."""


def render_context(request: HttpRequest) -> dict[str, Any]:
    """The organisation, the person, and where they may go."""
    person = getattr(request, "person", None)
    rights = person.rights if person else frozenset()
    return {
        "organisation": find_house().project.settings.organisation,
        "person": person,
        "address": request.get_full_path(),
        "rights": {right.value for right in rights},
        "groups": [
            (group, [(place, place.is_here(request.path)) for place in places])
            for group, places in groupby(
                (place for place in PLACES if place.right in rights), key=attrgetter("group")
            )
        ],
    }
