"""Numbers for Prometheus: of the records, and of this process's own answers."""

from django.http import HttpRequest, HttpResponse

from ml_connector.ports import Right
from ml_connector.web.api.access import Programs
from ml_connector.web.desk import find_house
from ml_connector.web.guards import needs
from ml_connector.web.measuring import render_latencies

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Scraped(Programs):
    """Lets in who may see; everybody where the settings say that the network is the guard."""

    def admit(self, request: HttpRequest) -> HttpResponse | None:
        """None: the numbers are told."""
        if find_house().project.settings.pages.metrics == "open" and request.method == "GET":
            return None
        return super().admit(request)


@needs(Scraped({"GET": Right.SEE}))
def show_metrics(_: HttpRequest) -> HttpResponse:
    """Counts by flow and state: no amount, no name of a person, no secret is among them."""
    told = find_house().render_metrics() + render_latencies()
    return HttpResponse(told, content_type=CONTENT_TYPE)
