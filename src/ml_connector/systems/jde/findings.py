"""How the findings of checks are made."""

from ml_connector.ports import Check, CheckState

Findings = list[Check]


def ok(subject: str, finding: str) -> Check:
    """All is as it should be."""
    return Check(subject=subject, state=CheckState.OK, finding=finding)


def warn(subject: str, finding: str, next_step: str) -> Check:
    """Something wants a look, and nothing is refused for it."""
    return Check(subject=subject, state=CheckState.WARNING, finding=finding, next_step=next_step)


def fail(subject: str, finding: str, next_step: str, *, code: str) -> Check:
    """Runs would stop at this."""
    return Check(
        subject=subject, state=CheckState.FAILED, finding=finding, next_step=next_step, code=code
    )
