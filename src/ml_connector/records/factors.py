"""Second factors: when they were made and confirmed, and which of their codes were used."""

from collections.abc import Iterable

from ml_connector.errors import UsageError
from ml_connector.ports.identities import SecondFactor
from ml_connector.records import models
from ml_connector.records.people import explain_nobody
from ml_connector.records.store import OrganisationStore


class FactorMissingError(UsageError):
    """Nobody has begun to set up a second factor."""

    code = "people.factor-missing"


class FactorRecords(OrganisationStore):
    """A `ports.FactorStore`."""

    def create_factor(self, name: str) -> SecondFactor:
        """The person has a new factor; see `ports.FactorStore`."""
        users = models.User.objects.filter(organisation_id=self._id, username=name)
        with self._writing(f"the second factor of {name}"):
            user = users.first()
            if user is None:
                raise explain_nobody(name)
            models.SecondFactor.of(self._id).filter(user=user).delete()
            row = models.SecondFactor.of(self._id).create(
                organisation_id=self._id, user=user, made_at=self._clock.now()
            )
        return self._render(row)

    def confirm_factor(self, name: str, digests: Iterable[str]) -> SecondFactor:
        """The factor is asked for from now on; see `ports.FactorStore`."""
        with self._writing(f"the second factor of {name}"):
            row = self._load(name)
            row.confirmed_at = self._clock.now()
            row.save(update_fields=["confirmed_at"])
            self._replace(row, digests)
        return self._render(row)

    def save_digests(self, name: str, digests: Iterable[str]) -> SecondFactor:
        """These stand for the recovery codes; see `ports.FactorStore`."""
        with self._writing(f"the recovery codes of {name}"):
            row = self._load(name)
            self._replace(row, digests)
        return self._render(row)

    def find_factor(self, name: str) -> SecondFactor | None:
        """The person's factor; see `ports.FactorStore`."""
        row = self._find(name)
        return None if row is None else self._render(row)

    def take_step(self, name: str, step: int) -> bool:
        """Whether the code was not used yet; it is now; see `ports.FactorStore`."""
        rows = models.SecondFactor.of(self._id).filter(user__username=name)
        with self._writing(f"the code of {name}"):
            # One statement decides, so that of two who show the same code one gets in.
            return rows.filter(step_used__lt=step).update(step_used=step) == 1

    def take_digest(self, name: str, digest: str) -> bool:
        """Whether the recovery code was not used yet; it is now; see `ports.FactorStore`."""
        rows = models.RecoveryCode.of(self._id).filter(factor__user__username=name)
        with self._writing(f"the recovery code of {name}"):
            unused = rows.filter(digest=digest, used_at=None)
            return unused.update(used_at=self._clock.now()) == 1

    def delete_factor(self, name: str) -> bool:
        """The person has none any more; see `ports.FactorStore`."""
        with self._writing(f"the second factor of {name}"):
            rows = models.SecondFactor.of(self._id).filter(user__username=name)
            return bool(rows.delete()[0])

    def _find(self, name: str) -> models.SecondFactor | None:
        return models.SecondFactor.of(self._id).filter(user__username=name).first()

    def _load(self, name: str) -> models.SecondFactor:
        row = self._find(name)
        if row is None:
            raise FactorMissingError(
                f"No second factor of {name} was begun.",
                written="Nothing was changed.",
                next_step="Begin on the page of your account.",
                person=name,
            )
        return row

    def _replace(self, row: models.SecondFactor, digests: Iterable[str]) -> None:
        codes = models.RecoveryCode.of(self._id)
        codes.filter(factor=row).delete()
        codes.bulk_create(
            models.RecoveryCode(organisation_id=self._id, factor=row, digest=digest)
            for digest in digests
        )

    def _render(self, row: models.SecondFactor) -> SecondFactor:
        left = models.RecoveryCode.of(self._id).filter(factor=row, used_at=None).count()
        return SecondFactor(made_at=row.made_at, confirmed_at=row.confirmed_at, codes_left=left)
