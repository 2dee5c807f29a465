"""Every address there is; each view says who may see it."""

from django.urls import path

from ml_connector.web.api.routing import list_routes
from ml_connector.web.deciding import DECIDING
from ml_connector.web.views import (
    account,
    close,
    failures,
    flows,
    health,
    manual,
    metrics,
    people,
    reconciliation,
    runs,
    sign_in,
    tokens,
)

urlpatterns = [
    path("", close.show_close, name="first"),
    path("flows/", flows.show_flows, name="flows"),
    path("flows/<str:name>/", flows.show_flow, name="flow"),
    path("runs/", runs.show_runs, name="runs"),
    path("runs/<str:run_id>/", runs.show_run, name="run"),
    path("reconciliation/", reconciliation.show_periods, name="reconciliation"),
    path(
        "reconciliation/period/<path:place>/",
        reconciliation.show_period,
        name="reconciliation-period",
    ),
    path("reconciliation/sign/<path:place>/", reconciliation.sign, name="reconciliation-sign"),
    path(
        "reconciliation/withdraw/<str:sign_off_id>/",
        reconciliation.withdraw,
        name="reconciliation-withdraw",
    ),
    path("people/", people.show_people, name="people"),
    path("people/add/", people.add, name="people-add"),
    path("people/<str:name>/", people.change, name="person"),
    path("sign-in/", sign_in.sign_in, name="sign-in"),
    path("sign-in/second/", sign_in.sign_in_second, name="sign-in-second"),
    path("sign-in/with/<str:name>/", sign_in.begin_provider, name="sign-in-begin"),
    path("sign-in/with/<str:name>/back/", sign_in.end_provider, name="sign-in-back"),
    path("account/", account.show_account, name="account"),
    path("account/password/", account.change_password, name="account-password"),
    path("account/factor/", account.set_up_factor, name="account-factor"),
    path("account/factor/remove/", account.remove_factor, name="account-factor-remove"),
    path("account/codes/", account.renew_codes, name="account-codes"),
    path("sign-out/", sign_in.sign_out, name="sign-out"),
    path("health/live", health.live, name="live"),
    path("health/ready", health.ready, name="ready"),
    path("tokens/", tokens.show_tokens, name="tokens"),
    path("tokens/add/", tokens.add, name="tokens-add"),
    path("tokens/revoke/", tokens.revoke, name="tokens-revoke"),
    path("api/v1/", manual.show_manual, name="api-manual"),
    path("api/v1/openapi.json", manual.show_openapi, name="api-document"),
    *DECIDING,
    path("metrics", metrics.show_metrics, name="metrics"),
    *list_routes(),
]
handler404 = failures.show_missing
handler500 = failures.show_broken
