"""Who made the books what they are: the runs since a period was signed last, and their makers."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime

from ml_connector.ports import RUN_RESUMED, SignedScope, SignOff
from ml_connector.records import models
from ml_connector.records.store import split_chunks


def find_writers(organisation_id: int, sign_off: SignOff) -> set[str]:
    """The runs that made what is to be signed, since somebody has stood for the period last.

    The one that proved it and the one that changed it last are among them, however old.
    """
    changes = models.StandingChange.of(organisation_id).filter(**sign_off.scope._asdict())
    newest = changes.order_by("-at", "-pk").values_list("run_id", flat=True)[:1]
    since = _find_last_signature(organisation_id, sign_off)
    return {sign_off.run_id, *newest, *list_writers(organisation_id, sign_off.scope, since=since)}


def list_writers(
    organisation_id: int, scope: SignedScope, *, since: datetime | None = None
) -> set[str]:
    """The runs that changed how the period stands, or sent something of it.

    To the model or the ERP; also those that stopped before they could say how it stands.
    """
    changes = models.StandingChange.of(organisation_id).filter(**scope._asdict())
    if since is not None:
        changes = changes.filter(at__gte=since)
    return {
        *changes.values_list("run_id", flat=True).distinct(),
        *_list_loading(organisation_id, scope, since),
        *_find_posting(organisation_id, scope, since),
    }


def find_makers(organisation_id: int, runs: Collection[str]) -> dict[str, str]:
    """Everybody who started or resumed one of the runs, with one run of each."""
    makers: dict[str, str] = {}
    for chunk in split_chunks(sorted(runs)):
        begun = models.Run.of(organisation_id).filter(run_id__in=chunk)
        resumed = models.AuditLink.of(organisation_id).filter(run_id__in=chunk, event=RUN_RESUMED)
        for its in (begun, resumed):
            makers.update(its.values_list("actor", "run_id"))
    return makers


def _find_last_signature(organisation_id: int, sign_off: SignOff) -> datetime | None:
    """When somebody last stood for the period; one who took it back stands for nothing."""
    signed = models.SignOff.of(organisation_id).filter(**sign_off.scope._asdict())
    taken = models.Withdrawal.of(organisation_id).values("sign_off_id")
    newest = signed.exclude(pk__in=taken).order_by("-pk").values_list("signed_at", flat=True)
    return newest.first()


def _list_loading(
    organisation_id: int, scope: SignedScope, since: datetime | None
) -> Iterator[str]:
    """Yield the runs that loaded something of the planning period."""
    standings = models.Standing.of(organisation_id).filter(**scope._asdict())
    members = set(standings.values_list("member", flat=True))
    loads = models.Load.of(organisation_id).filter(flow=scope.flow)
    if since is not None:
        loads = loads.filter(created_at__gte=since)
    runs: dict[str, set[str]] = defaultdict(set)
    for plan_hash, run_id in loads.values_list("plan_hash", "run_id"):
        runs[plan_hash].add(run_id)
    for chunk in split_chunks(sorted(runs)):
        plans = models.Plan.of(organisation_id).filter(plan_hash__in=chunk)
        for plan_hash, periods in plans.values_list("plan_hash", "periods"):
            yield from runs[plan_hash] if members & set(periods) else ()


def _find_posting(organisation_id: int, scope: SignedScope, since: datetime | None) -> set[str]:
    """The runs that posted into the period of the ledger."""
    postings = models.Posting.of(organisation_id).filter(
        flow=scope.flow, subject__startswith=f"{scope.ledger} {scope.period} "
    )
    if since is not None:
        postings = postings.filter(made_at__gte=since)
    return set(postings.values_list("run_id", flat=True).distinct())
