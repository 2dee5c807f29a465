"""Every address there is; each view says who may see it."""

from django.urls import path

from ml_connector.web.views import failures, flows, health, people, runs, sign_in

urlpatterns = [
    path("", flows.show_flows, name="first"),
    path("flows/", flows.show_flows, name="flows"),
    path("flows/<str:name>/", flows.show_flow, name="flow"),
    path("runs/", runs.show_runs, name="runs"),
    path("runs/<str:run_id>/", runs.show_run, name="run"),
    path("people/", people.show_people, name="people"),
    path("people/add/", people.add, name="people-add"),
    path("people/<str:name>/", people.change, name="person"),
    path("sign-in/", sign_in.sign_in, name="sign-in"),
    path("sign-out/", sign_in.sign_out, name="sign-out"),
    path("health/live", health.live, name="live"),
    path("health/ready", health.ready, name="ready"),
]
handler404 = failures.show_missing
handler500 = failures.show_broken
