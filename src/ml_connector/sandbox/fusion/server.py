"""The Fusion server put together."""

from __future__ import annotations

import secrets
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.fusion.admin import Backstage
from ml_connector.sandbox.fusion.call import (
    REST_ROOT,
    Call,
    framework_version,
    link_origin,
    path_segments,
)
from ml_connector.sandbox.fusion.catalogue import STATIC_RESOURCES
from ml_connector.sandbox.fusion.ess_answers import ErpIntegrations
from ml_connector.sandbox.fusion.ess_documents import DocumentBook
from ml_connector.sandbox.fusion.ess_jobs import JobBook
from ml_connector.sandbox.fusion.ess_stage import JobStage
from ml_connector.sandbox.fusion.ess_submitting import Submitter
from ml_connector.sandbox.fusion.ess_work import JobWork
from ml_connector.sandbox.fusion.identity import (
    CLIENTS,
    SCOPE,
    TOKEN_PATH,
    USERS,
    Identity,
)
from ml_connector.sandbox.fusion.inquiry import BalanceInquiry
from ml_connector.sandbox.fusion.opaque import OpaqueKeys
from ml_connector.sandbox.fusion.overload import Overload
from ml_connector.sandbox.fusion.reading import Reader
from ml_connector.sandbox.fusion.reference_resources import SEGMENT_NAMES
from ml_connector.sandbox.fusion.refusals import (
    ErrorStyle,
    RefusalError,
    html_page,
    render_refusal,
)
from ml_connector.sandbox.fusion.reseeding import reseed
from ml_connector.sandbox.fusion.schema import create_tables
from ml_connector.sandbox.fusion.seeding import seed_company
from ml_connector.sandbox.fusion.supplier_day import SupplierDay
from ml_connector.sandbox.fusion.supplier_desk import SupplierDesk
from ml_connector.sandbox.fusion.supplier_seeding import seed_suppliers
from ml_connector.sandbox.fusion.supplier_stage import SupplierStage
from ml_connector.sandbox.fusion.supplier_writing import SupplierWriter
from ml_connector.sandbox.fusion.switches import FUSION_SWITCHES
from ml_connector.sandbox.fusion.tokens import CertificateBook, TokenBook
from ml_connector.sandbox.fusion.totals import sum_lines
from ml_connector.sandbox.fusion.tree import RestTree
from ml_connector.sandbox.fusion.writing import Writer
from ml_connector.sandbox.http import Request, Response
from ml_connector.sandbox.server import SandboxServer

_FALLBACK_VERSION = 1


class FusionServer(SandboxServer):
    """Token endpoint, REST tree and the operations behind the stage."""

    def __init__(self, state_dir: Path, clock: SandboxClock, *, lines: int) -> None:
        super().__init__("fusion", state_dir=state_dir, clock=clock, switches=FUSION_SWITCHES)
        self._lines = lines
        create_tables(self.store, SEGMENT_NAMES)
        self._lines_held = seed_company(self.store, lines=lines)
        seed_suppliers(self.store)
        certificates = CertificateBook(store=self.store, clock=clock)
        tokens = TokenBook(store=self.store, clock=clock, switches=self.switches)
        self._certificates = certificates
        self._tokens = tokens
        self._identity = Identity(tokens=tokens, certificates=certificates, switches=self.switches)
        self._suppliers = SupplierDesk(store=self.store, switches=self.switches)
        self._supplier_stage = SupplierStage(desk=self._suppliers)
        self._backstage = Backstage(
            store=self.store,
            clock=clock,
            switches=self.switches,
            more=self._supplier_stage.operations,
        )
        self._supplier_day = SupplierDay(store=self.store, clock=clock)
        self._jobs = JobBook(store=self.store, clock=clock, switches=self.switches)
        self._documents = DocumentBook(store=self.store)
        self._work = JobWork(book=self._jobs, documents=self._documents, desk=self._suppliers)
        self._overload = Overload(clock=clock)
        self._token_overload = Overload(clock=clock)
        self._tree = self._build_tree()
        self._add_operations()

    def answer(self, request: Request) -> Response:
        """Return the answer to any request but those of the control paths."""
        self._apply_due()
        if request.path == TOKEN_PATH:
            return self._answer_token(request)
        busy = self._overload.find_refusal(self.switches["throttle"])
        if busy is not None:
            return busy
        if request.path != REST_ROOT and not request.path.startswith(REST_ROOT + "/"):
            return html_page(404)
        return self._answer_rest(request)

    def info(self) -> dict[str, Any]:
        """Return what a client needs to come in."""
        return {
            "token_path": TOKEN_PATH,
            "clients": CLIENTS,
            "users": USERS,
            "scope": SCOPE,
            "lines": self._lines_held,
        }

    def reseed(self) -> None:
        """The company stands as on a fresh state folder."""
        with self.store.transaction():
            for space in ("fusion.tokens", "fusion.certificates"):
                self.store.clear_space(space)
            self._lines_held = reseed(self.store, lines=self._lines)
            self._supplier_day.forget()

    def _apply_due(self) -> None:
        """What was on its way by now is done, in the order it is looked at."""
        self._backstage.apply_due()
        self._work.apply_due()
        self._supplier_day.keep()

    def _answer_token(self, request: Request) -> Response:
        busy = self._token_overload.find_refusal(self.switches["token_throttle"])
        if busy is not None:
            return busy
        return self._identity.answer_token(request) if request.method == "POST" else html_page(405)

    def _answer_rest(self, request: Request) -> Response:
        user = self._identity.find_user(request)
        if user is None:
            return self._identity.challenge(request)
        request.user = user
        accept = request.headers.get("accept", "")
        style = ErrorStyle(
            version=_FALLBACK_VERSION, accept=accept, wanted=str(self.switches["error_body"])
        )
        try:
            version = framework_version(request, self.switches)
            style = replace(style, version=version)
            answer = self._tree.answer(self._call(request, user, version))
        except RefusalError as refusal:
            answer = render_refusal(refusal, style)
        return replace(answer, headers=(*answer.headers, _trace_id()))

    def _call(self, request: Request, user: str, version: int) -> Call:
        segments = path_segments(request)
        return Call(
            request=request,
            user=user,
            version=version,
            api_version=segments[0] if segments else "",
            origin=link_origin(request, self.url, self.switches),
            segments=segments,
            parameters=dict(request.query),
        )

    def _build_tree(self) -> RestTree:
        reader = Reader(store=self.store, switches=self.switches, keys=OpaqueKeys())
        inquiry = BalanceInquiry(store=self.store, switches=self.switches)
        resources = (*STATIC_RESOURCES, inquiry.resource())
        return RestTree(
            resources={resource.name: resource for resource in resources},
            store=self.store,
            clock=self.clock,
            switches=self.switches,
            reader=reader,
            writer=Writer(
                store=self.store, clock=self.clock, switches=self.switches, reader=reader
            ),
            integrations=ErpIntegrations(
                book=self._jobs,
                documents=self._documents,
                submitter=Submitter(book=self._jobs, documents=self._documents),
            ),
            supplier_writer=SupplierWriter(desk=self._suppliers, clock=self.clock, reader=reader),
        )

    def _add_operations(self) -> None:
        for name in self._backstage.names:
            self.add_admin(name, partial(self._perform, name))
        for name, operation in JobStage(book=self._jobs, work=self._work).operations.items():
            self.add_admin(name, operation)
        self.add_admin("totals", self._sum_lines)
        self.add_admin("register_certificate", self._register_certificate)
        self.add_admin("revoke_tokens", lambda _body: self._tokens.revoke_all())
        self.faults.hooks["mutate_suppliers"] = lambda _request, arguments: self._mutate(arguments)
        self.faults.hooks["mutate"] = lambda _request, arguments: self._backstage.mutate(arguments)

    def _perform(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        self._apply_due()
        return self._backstage.perform(name, body)

    def _mutate(self, arguments: dict[str, Any]) -> None:
        name, body = self._supplier_stage.mutation(arguments)
        self._perform(name, body)

    def _sum_lines(self, body: dict[str, Any]) -> dict[str, Any]:
        self._backstage.apply_due()
        return sum_lines(self.store, body)

    def _register_certificate(self, body: dict[str, Any]) -> dict[str, Any]:
        issuer = body.get("issuer")
        return self._certificates.register(str(body["alias"]), str(body["pem"]), issuer=issuer)


def build_fusion_server(state_dir: Path, clock: SandboxClock, *, lines: int) -> FusionServer:
    """Return the server over the company of `lines` lines, seeded but not yet listening."""
    return FusionServer(state_dir, clock, lines=lines)


def _trace_id() -> tuple[str, str]:
    return ("X-ORACLE-DMS-ECID", secrets.token_hex(16))
