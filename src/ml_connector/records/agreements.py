"""What model and ERP each held of a member when they last said the same."""

from collections.abc import Sequence

from django.db.models import QuerySet

from ml_connector.ports import Agreement
from ml_connector.records import models
from ml_connector.records.canonical import verify_plain
from ml_connector.records.store import OrganisationStore, split_chunks

Attributes = dict[str, list[str]]
"""Attribute to the model's value and the ERP's."""


class AgreementRecords(OrganisationStore):
    """A `ports.AgreementStore`."""

    def save_agreements(self, flow: str, agreements: Sequence[Agreement]) -> None:
        """Each stands; see `ports.AgreementStore`.

        Every few hundred are stored or none of them. Saved again, the same agreements change
        nothing, so whoever died in between begins anew.

        Raises:
            ValueError: An agreement names an attribute for one side only; nothing is stored.
        """
        told = [(one, _pair_sides(one)) for one in agreements]
        for chunk in split_chunks(told):
            with self._writing(f"{len(chunk)} agreements of {flow}"):
                self._merge(flow, chunk)

    def load_agreements(self, flow: str, codes: Sequence[str]) -> dict[str, Agreement]:
        """The agreements of these codes that there are, by code."""
        return {
            row.code: _render(row)
            for chunk in split_chunks(dict.fromkeys(codes))
            for row in self._of(flow).filter(code__in=chunk)
        }

    def _of(self, flow: str) -> QuerySet[models.Agreement]:
        return models.Agreement.of(self._id).filter(flow=flow)

    def _merge(self, flow: str, told: Sequence[tuple[Agreement, Attributes]]) -> None:
        codes = {one.code for one, _ in told}
        stored = self._of(flow).filter(code__in=codes).values_list("code", "attributes")
        attributes: dict[str, Attributes] = dict(stored)
        runs: dict[str, str] = {}
        for one, its in told:
            attributes[one.code] = attributes.get(one.code, {}) | its
            runs[one.code] = one.run_id
        models.Agreement.of(self._id).bulk_create(
            [
                models.Agreement(
                    organisation_id=self._id,
                    flow=flow,
                    code=code,
                    attributes=attributes[code],
                    run_id=run_id,
                    at=self._clock.now(),
                )
                for code, run_id in runs.items()
            ],
            update_conflicts=True,
            unique_fields=["organisation", "flow", "code"],
            update_fields=["attributes", "run_id", "at"],
        )


def _pair_sides(agreement: Agreement) -> Attributes:
    if agreement.model.keys() != agreement.erp.keys():
        odd = ", ".join(sorted(agreement.model.keys() ^ agreement.erp.keys()))
        raise ValueError(f"The agreement on {agreement.code} has {odd} on one side only.")
    return {
        name: verify_plain([value, agreement.erp[name]]) for name, value in agreement.model.items()
    }


def _render(row: models.Agreement) -> Agreement:
    return Agreement(
        code=row.code,
        model={name: sides[0] for name, sides in row.attributes.items()},
        erp={name: sides[1] for name, sides in row.attributes.items()},
        run_id=row.run_id,
    )
