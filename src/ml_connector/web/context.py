"""What every template knows."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from ml_connector.ports import Right
from ml_connector.web.desk import find_house


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An entry of the navigation."""

    title: str
    path: str
    right: Right = Right.SEE

    def is_here(self, path: str) -> bool:
        """Whether that path lies under this entry."""
        return path == self.path or (self.path != "/" and path.startswith(self.path))


PLACES = (
    Place(title="Flows", path="/"),
    Place(title="Runs", path="/runs/"),
    Place(title="People", path="/people/", right=Right.ADMINISTER),
)


def render_context(request: HttpRequest) -> dict[str, Any]:
    """The organisation, the person, and where they may go."""
    person = getattr(request, "person", None)
    rights = person.rights if person else frozenset()
    return {
        "organisation": find_house().project.settings.organisation,
        "person": person,
        "rights": {right.value for right in rights},
        "places": [
            (place, place.is_here(request.path)) for place in PLACES if place.right in rights
        ],
    }
