"""Addresses of what people look after: alerts, their channels, connections and keys."""

from django.urls import URLPattern, path

from ml_connector.web.views import alerts, connections

LOOKING_AFTER: list[URLPattern] = [
    path("alerts/", alerts.show_alerts, name="alerts"),
    path("alerts/past/", alerts.show_past, name="alerts-past"),
    path("alerts/test/", alerts.test, name="alerts-test"),
    path("alerts/again/", alerts.send_again, name="alerts-again"),
    path("alerts/<str:alert_id>/", alerts.show_alert, name="alert"),
    path("alerts/<str:alert_id>/acknowledge/", alerts.acknowledge, name="alert-acknowledge"),
    path("connections/", connections.show_connections, name="connections"),
    path("connections/rotate/", connections.rotate, name="connections-rotate"),
    path("connections/<str:connection>/", connections.show_connection, name="connection"),
    path("connections/<str:connection>/test/", connections.test, name="connection-test"),
]
