"""The service that enters journals: looked at before anybody is asked to approve one."""

from ml_connector.errors import RefusedError, SystemUnavailableError, find_exit_code
from ml_connector.flows.bench import BudgetBench
from ml_connector.ports import Check, CheckState


class JournalServiceError(RefusedError):
    """The ERP's service that enters journals is not there, or does not take what is sent."""

    code = "budgets.service-missing"


def verify_service(bench: BudgetBench) -> list[str]:
    """What wants a look before journals are sent; most services leave nothing to say.

    A look that the ERP does not answer now says nothing of the service: it is told and stops no
    run, for whatever is sent is verified again.

    Raises:
        JournalServiceError: Journals would be refused, or not be found again; names every reason.
    """
    found = (
        check for ledger in bench.flow.ledgers for check in bench.journals.check_journals(ledger)
    )
    # The service is one for all ledgers, and told once.
    checks = [check for check in dict.fromkeys(found) if check.state is not CheckState.OK]
    failed = [check for check in checks if _is_certain(check)]
    if failed:
        named = " ".join(f"{check.subject}: {check.finding}" for check in failed)
        raise JournalServiceError(
            f"{bench.source.connection} cannot take journals of flow {bench.flow.name}. {named}",
            written="Nothing was read from the model or posted.",
            next_step=" ".join(dict.fromkeys(check.next_step for check in failed))
            + " Then look again: `ml-connector doctor`.",
            checks=", ".join(check.subject for check in failed),
        )
    return [f"{check.subject}: {check.finding} {check.next_step}".strip() for check in checks]


def _is_certain(check: Check) -> bool:
    is_unanswered = find_exit_code(check.code) == SystemUnavailableError.exit_code
    return check.state is CheckState.FAILED and not is_unanswered
