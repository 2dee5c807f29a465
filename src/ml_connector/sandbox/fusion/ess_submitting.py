"""Jobs put into the book: a file with its import, an import alone, an export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml_connector.sandbox.fusion.ess_documents import (
    Document,
    DocumentBook,
    decode_content,
    parse_account,
)
from ml_connector.sandbox.fusion.ess_jobs import Job, JobBook, Timeline
from ml_connector.sandbox.fusion.imports_templates import (
    INTERFACE_ID,
    SUPPLIER_ACCOUNT,
    TEMPLATES,
    Template,
    find_template,
)
from ml_connector.sandbox.fusion.refusals import RefusalError

LOADER_PACKAGE = "/oracle/apps/ess/financials/commonModules/shared/common/interfaceLoader"
LOADER_DEFINITION = "InterfaceLoaderController"
EXPORT_PACKAGE = "/oracle/apps/ess/custom/halden"
EXPORT_DEFINITION = "SupplierExtract"
REJECTED = "-1"
_LOAD_NAME = "Load Interface File for Import"
_Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitter:
    """Takes jobs in; what it does not take gets the request id -1, with success all the same."""

    book: JobBook
    documents: DocumentBook

    def submit_file(self, body: _Body, user: str) -> str:
        """A file is on its way to its interface table, with the import behind it."""
        content = decode_content(body.get("DocumentContent"))
        if body.get("ContentType") != "zip":
            raise RefusalError(400, "The value of ContentType is not zip.", path="/ContentType")
        package, definition = split_job(body.get("JobName"))
        template = find_template(package, definition)
        account = parse_account(body.get("DocumentAccount"))
        if template is None or account != SUPPLIER_ACCOUNT or self._refuses():
            return REJECTED
        with self.book.store.transaction():
            document = Document(
                file_name=str(body.get("FileName")),
                content=content,
                account=account,
                content_type="zip",
            )
            document_id = self.documents.add(document)
            return self._submit_load(template, document_id, body, user)

    def submit_job(self, body: _Body, user: str) -> str:
        """The job that package and definition name is scheduled."""
        package = str(body.get("JobPackageName") or "").rstrip("/")
        definition = str(body.get("JobDefName") or "")
        parameters = str(body.get("ESSParameters") or "")
        if self._refuses():
            return REJECTED
        if (package, definition) == (LOADER_PACKAGE, LOADER_DEFINITION):
            return self._submit_loader(parameters, user)
        template = find_template(package, definition)
        return REJECTED if template is None else self._submit_import(template, parameters, user)

    def submit_export(self, body: _Body, user: str) -> str:
        """A file will stand in the content store when the job is over."""
        job = split_job(body.get("JobName"))
        if job != (EXPORT_PACKAGE, EXPORT_DEFINITION) or self._refuses():
            return REJECTED
        plan = self.book.plan()
        with self.book.store.transaction():
            root = self.book.take_id()
            self.book.add([_parent(root, EXPORT_DEFINITION, EXPORT_PACKAGE, user, plan)])
            self.book.add_task(root, plan.ends, "export", {"definition": EXPORT_DEFINITION})
        return str(root)

    def _refuses(self) -> bool:
        switches = self.book.switches
        return bool(switches["ess_rejects"]) or switches["import_privilege"] != "granted"

    def _submit_load(self, template: Template, document_id: int, body: _Body, user: str) -> str:
        plan, root = self.book.plan(), self.book.take_id()
        jobs = [_parent(root, _LOAD_NAME, LOADER_PACKAGE, user, plan), *_loaders(root, user, plan)]
        self.book.add(
            [*jobs, *_importers(template, root, root + 3, user, (plan.loaded, plan.ends))]
        )
        facts = {
            "definition": template.definition, "document": document_id, "load_file": root + 2,
            "import": root + 3, "report": root + 4, "user": user,
            "parameters": str(body.get("ParameterList") or ""),
            "extract": "ExtractFileType=ALL" in str(body.get("JobOptions") or ""),
        }  # fmt: skip
        self.book.add_task(root, plan.loaded, "load", facts)
        self.book.add_task(root, plan.ends, "import", facts)
        return str(root)

    def _submit_loader(self, parameters: str, user: str) -> str:
        """A document is loaded and not imported: interface, document, purge, ..."""
        given = [part.strip() for part in parameters.split(",")]
        if len(given) < 2 or given[0] != INTERFACE_ID or not given[1].isdigit():
            return REJECTED
        plan = self.book.plan()
        with self.book.store.transaction():
            root = self.book.take_id()
            parent = _parent(root, _LOAD_NAME, LOADER_PACKAGE, user, plan)
            self.book.add([parent, *_loaders(root, user, plan)])
            facts = {
                "definition": self._guess(int(given[1])),
                "document": int(given[1]),
                "load_file": root + 2,
            }
            self.book.add_task(root, plan.loaded, "load", facts)
        return str(root)

    def _guess(self, document_id: int) -> str:
        """Return the job whose file the document is named after; suppliers where none is."""
        document = self.documents.find(document_id)
        name = document.file_name.rpartition(".")[0] if document else ""
        found = (
            template.definition
            for template in TEMPLATES
            for file in template.files
            if name.startswith(file.removesuffix(".csv"))
        )
        return next(found, TEMPLATES[0].definition)

    def _submit_import(self, template: Template, parameters: str, user: str) -> str:
        plan = self.book.plan()
        with self.book.store.transaction():
            root = self.book.take_id()
            jobs = _importers(template, root, root, user, (plan.starts, plan.ends))
            self.book.add(jobs)
            facts = {
                "definition": template.definition, "import": root, "report": root + 1,
                "user": user, "parameters": parameters, "extract": True,
            }  # fmt: skip
            self.book.add_task(root, plan.ends, "import", facts)
        return str(root)


def split_job(text: str | None) -> tuple[str, str]:
    """Return package and definition of a job; a slash before the comma makes it another job."""
    package, _, definition = (text or "").partition(",")
    return package.strip(), definition.strip()


def _parent(root: int, name: str, package: str, user: str, plan: Timeline) -> Job:
    return Job(
        request_id=root,
        root=root,
        parent=None,
        name=name,
        path=package,
        user=user,
        starts=plan.starts,
        ends=plan.ends,
        steps=plan.states,
    )


def _loaders(root: int, user: str, plan: Timeline) -> list[Job]:
    """Return the two children that bring the file in; each has half of the time before it."""
    first = plan.starts + (plan.loaded - plan.starts) / len(plan.states)
    middle = (first + plan.loaded) / 2
    return [
        Job(
            request_id=root + number,
            root=root,
            parent=root,
            name=name,
            path=f"{LOADER_PACKAGE}/{step}",
            user=user,
            starts=starts,
            ends=ends,
        )
        for number, name, step, starts, ends in (
            (1, "Transfer File", "TransferFile", first, middle),
            (2, "Load File to Interface", "LoadFile", middle, plan.loaded),
        )
    ]


def _importers(
    template: Template, root: int, own_id: int, user: str, span: tuple[float, float]
) -> list[Job]:
    """Return the import and the report below it."""
    starts, ends = span
    return [
        Job(
            request_id=own_id,
            root=root,
            parent=None if own_id == root else root,
            name=template.title,
            path=f"/oracle/apps/ess/prc/poz/supplierImport/{template.definition}",
            user=user,
            starts=starts,
            ends=ends,
        ),
        Job(
            request_id=own_id + 1,
            root=root,
            parent=own_id,
            name=f"{template.title}: Report",
            path="/oracle/apps/ess/prc/poz/supplierImport/SupplierImportReport",
            user=user,
            starts=(starts + ends) / 2,
            ends=ends,
        ),
    ]
