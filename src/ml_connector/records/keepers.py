"""Who could sign in as whom: people whose password or second factor somebody else has set.

An admin who resets both could act as that person, and approve what they have planned themselves. So
the two count as one wherever two people are asked for, until the person has set anew what was set
for them. The audit chain knows all of it.
"""

import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from ml_connector.records import models
from ml_connector.records.identities import find_names

PASSWORD, REMOVED, ADDED = "person.password", "person.factor-removed", "person.factor-added"


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """Some actors under every name they act under, folded, and who could sign in as one of them.

    Attributes:
        names: Theirs alone.
        kept: Who set how one of them signs in, by that person's name.
        wide: The names, and all names of those who did so.
    """

    names: frozenset[str]
    kept: Mapping[str, str]
    wide: frozenset[str]


def find_together(organisation_id: int, actors: Iterable[str]) -> Together:
    """Whoever these are, and whoever counts as the same person with one of them."""
    names = find_names(organisation_id, actors)
    kept = _find_keepers(organisation_id, names)
    wide = find_names(organisation_id, {*names, *kept.values()}) if kept else names
    return Together(names=_fold(names), kept=kept, wide=_fold(wide))


def _find_keepers(organisation_id: int, names: Collection[str]) -> dict[str, str]:
    """Who set the password of one of these people, or took their factor, by the person's name."""
    links = models.AuditLink.of(organisation_id).filter(
        subject__in=names, event__in=(PASSWORD, REMOVED, ADDED)
    )
    kept: dict[str, dict[str, str]] = {}
    for person, event, actor in links.order_by("number").values_list("subject", "event", "actor"):
        its = kept.setdefault(person, {})
        if actor not in names:
            its |= {} if event == ADDED else {event: actor}
            continue
        # Set anew by themselves: a new password is known to nobody else, whatever was taken before.
        its.pop(REMOVED, None)
        if event == PASSWORD:
            its.pop(PASSWORD, None)
    return {person: next(iter(its.values())) for person, its in kept.items() if its}


def fold_person(actor: str) -> str:
    """The name as people are compared: spelling it in capitals makes nobody another person."""
    return unicodedata.normalize("NFKC", actor).strip().casefold()


def _fold(names: Iterable[str]) -> frozenset[str]:
    return frozenset(map(fold_person, names))
