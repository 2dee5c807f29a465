"""What `doctor` finds out about a connection, each finding with its next step."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Final

from ml_connector.errors import (
    AccessDeniedError,
    BlockedError,
    ConnectorError,
    CredentialsError,
    SystemUnavailableError,
)
from ml_connector.ports import Check, CheckState, Clock, ModelState
from ml_connector.systems.anaplan.client import AnaplanClient
from ml_connector.systems.anaplan.connection import AnaplanSettings
from ml_connector.systems.anaplan.login import AnaplanLogin
from ml_connector.systems.tokens import TokenCache

CERTIFICATE_WARNING: Final = timedelta(days=60)
"""Long enough to get a certificate issued and registered before two closes have passed."""
TOKEN_LIFE_S_MIN: Final = 240.0
"""Tokens are prolonged 300 seconds before their end, so a healthy one never looks this short."""

Question = Callable[[], Check]


class Doctor:
    """Asks the questions of `doctor`; an error becomes a failed check, never an exception."""

    def __init__(
        self,
        settings: AnaplanSettings,
        client: AnaplanClient,
        *,
        login: AnaplanLogin,
        tokens: TokenCache,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._client = client
        self._login = login
        self._tokens = tokens
        self._clock = clock
        self._is_reached = True

    def check(self, read_state: Callable[[], ModelState]) -> Iterator[Check]:
        """Yield the findings; what cannot be asked without a log-in is left out after its fault."""
        self._is_reached = True
        if self._settings.auth.method == "certificate":
            yield _ask("certificate", self._check_certificate)
        logged_in = _ask("log-in", self._check_login)
        yield from self._tell_reach(logged_in)
        if logged_in.state is CheckState.FAILED:
            return
        yield _ask("user", self._check_user)
        yield _ask("workspace", self._check_workspace)
        yield _ask("model", self._check_model)
        state = _ask("model state", lambda: _render_state(read_state()))
        yield state
        if state.state is not CheckState.FAILED:
            yield _ask("rights", self._check_rights)

    def _tell_reach(self, logged_in: Check) -> Iterator[Check]:
        """One log-in answers two questions; a second try with a wrong password could lock it."""
        if self._is_reached:
            reached = f"{self._settings.auth_url} answers"
            yield Check(subject="reach", state=CheckState.OK, finding=reached)
            yield logged_in
        else:
            yield replace(logged_in, subject="reach")

    def _check_certificate(self) -> Check:
        certificate = self._login.open_certificate()
        assert certificate is not None
        left = certificate.valid_until - self._clock.now()
        finding = f"{certificate.subject} is valid until {certificate.valid_until:%Y-%m-%d}"
        if left > CERTIFICATE_WARNING:
            return Check(subject="certificate", state=CheckState.OK, finding=finding)
        return Check(
            subject="certificate",
            state=CheckState.WARNING if left > timedelta(0) else CheckState.FAILED,
            code="" if left > timedelta(0) else CredentialsError.code,
            finding=f"{finding}, {left.days} days from now",
            next_step="Request a new certificate, have an administrator register it in Anaplan, "
            "then store it under the same references.",
        )

    def _check_login(self) -> Check:
        try:
            owner = self._login.read_owner(self._tokens.read_token())
        except SystemUnavailableError:
            self._is_reached = False
            raise
        life = f"{owner.user} is logged in; the token lives {owner.lifetime_s / 60:.0f} minutes"
        if owner.lifetime_s >= TOKEN_LIFE_S_MIN:
            return Check(subject="log-in", state=CheckState.OK, finding=life)
        return Check(
            subject="log-in",
            state=CheckState.WARNING,
            finding=f"{life}, which is short",
            next_step="Look whether somebody logs this user out; give the connector its own user.",
        )

    def _check_user(self) -> Check:
        user = self._client.read_user()
        return Check(subject="user", state=CheckState.OK, finding=f"{user.email} ({user.id})")

    def _check_workspace(self) -> Check:
        listed = {row.id: row.name for row in self._client.read_workspaces()}
        wanted = self._settings.workspace_id
        if wanted in listed:
            return Check(
                subject="workspace", state=CheckState.OK, finding=f"{listed[wanted]} ({wanted})"
            )
        seen = ", ".join(f"{name} ({key})" for key, name in sorted(listed.items())) or "none"
        return Check(
            subject="workspace",
            state=CheckState.FAILED,
            code=AccessDeniedError.code,
            finding=f"{wanted} is not among the workspaces the user sees: {seen}",
            next_step="Correct workspace_id, or add the integration user to the workspace.",
        )

    def _check_model(self) -> Check:
        listed = {row.id: row.name for row in self._client.read_models()}
        wanted = self._settings.model_id
        if wanted in listed:
            return Check(
                subject="model", state=CheckState.OK, finding=f"{listed[wanted]} ({wanted})"
            )
        seen = ", ".join(f"{name} ({key})" for key, name in sorted(listed.items())) or "none"
        return Check(
            subject="model",
            state=CheckState.FAILED,
            code=AccessDeniedError.code,
            finding=f"{wanted} is not among the workspace's models: {seen}",
            next_step="Correct model_id, or give the integration user a role in the model.",
        )

    def _check_rights(self) -> Check:
        """A task list is no proof: it is empty for users without any right as well (A-06)."""
        files, imports = self._client.read_files(), self._client.read_imports()
        finding = f"the user sees {len(files)} files and {len(imports)} imports of the model"
        if files and imports:
            return Check(subject="rights", state=CheckState.OK, finding=finding)
        return Check(
            subject="rights",
            state=CheckState.WARNING,
            finding=finding,
            next_step="Create the imports in the model, or let the user's role see its actions.",
        )


def _render_state(state: ModelState) -> Check:
    if not state.is_writable:
        return Check(
            subject="model state",
            state=CheckState.FAILED,
            code=BlockedError.code,
            finding=f"{state.name} is {state.finding or state.state}",
            next_step="Nothing can be loaded until the model's owner has changed that.",
        )
    return Check(
        subject="model state",
        state=CheckState.WARNING if state.finding else CheckState.OK,
        finding=f"{state.name} is {state.finding or state.state}",
        next_step="Make sure that the flow's lists are production data." if state.finding else "",
    )


def _ask(subject: str, question: Question) -> Check:
    try:
        return question()
    except ConnectorError as error:
        return Check(
            subject=subject,
            state=CheckState.FAILED,
            finding=error.refused,
            next_step=error.next_step,
            code=error.code,
        )
