"""Addresses of what people start and decide: actions, plans, refused summaries, postings."""

from django.urls import URLPattern, path

from ml_connector.web.views import actions, plans, postings, refused

DECIDING: list[URLPattern] = [
    path("flows/<str:name>/start/", actions.start, name="flow-start"),
    path("flows/<str:name>/replay/", actions.replay, name="flow-replay"),
    path("runs/<str:run_id>/resume/", actions.resume, name="run-resume"),
    path("runs/<str:run_id>/retry/", actions.retry, name="run-retry"),
    path("runs/<str:run_id>/period/", actions.run_period, name="run-period"),
    path("runs/<str:run_id>/stop/", actions.stop, name="run-stop"),
    path("runs/<str:run_id>/cancel/", actions.cancel, name="run-cancel"),
    path("plans/", plans.show_plans, name="plans"),
    path("plans/journal/<path:journal>/", plans.show_journal, name="journal"),
    path("plans/<str:plan>/", plans.show_plan, name="plan"),
    path("plans/<str:plan>/approve/", plans.approve, name="plan-approve"),
    path("plans/<str:plan>/reject/", plans.reject, name="plan-reject"),
    path("plans/<str:plan>/apply/", plans.apply, name="plan-apply"),
    path("refused/", refused.show_refused, name="refused"),
    path("refused/lines/<path:summary>/", refused.show_lines, name="refused-lines"),
    path("refused/replay/<path:cause>/", refused.replay_some, name="cause-replay"),
    path("refused/for/<path:cause>/", refused.show_cause, name="cause"),
    path("postings/", postings.show_postings, name="postings"),
    path("postings/<str:posting>/", postings.show_posting, name="posting"),
    path("postings/<str:posting>/reverse/", postings.take_back, name="posting-reverse"),
    path("postings/<str:posting>/settle/", postings.settle, name="posting-settle"),
]
