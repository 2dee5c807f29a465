"""For whoever watches the process: does it live, can it work?"""

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse

from ml_connector.errors import ConnectorError
from ml_connector.web.guards import Open, needs


@needs(Open)
def live(_: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("lives\n", content_type="text/plain")


@needs(Open)
def ready(_: HttpRequest) -> HttpResponse:
    """The records answer too; says nothing about what is in them."""
    try:
        with connection.cursor() as cursor:
            # Of a table of ours: a database that answers and is empty is none we can work with.
            cursor.execute("SELECT 1 FROM records_organisation LIMIT 1")
    except (DatabaseError, ConnectorError):
        return HttpResponse("records away\n", content_type="text/plain", status=503)
    return HttpResponse("ready\n", content_type="text/plain")
