"""What jobs do when their moment has come: load a file, import its rows, write an export."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ml_connector.sandbox.fusion.ess_documents import (
    Document,
    DocumentBook,
    decode_content,
    encode_zip,
)
from ml_connector.sandbox.fusion.ess_jobs import SUCCEEDED, JobBook, Task
from ml_connector.sandbox.fusion.ess_reports import count_line, text_report, xml_report
from ml_connector.sandbox.fusion.imports_files import FileRefusalError, Values, open_rows
from ml_connector.sandbox.fusion.imports_suppliers import Outcome, SupplierImport
from ml_connector.sandbox.fusion.imports_templates import TEMPLATES, Template
from ml_connector.sandbox.fusion.stamps import render_stamp
from ml_connector.sandbox.fusion.supplier_desk import Author, SupplierDesk

_TASKS_MAX = 10_000
_EXPORTED = ("SupplierId", "SupplierNumber", "Supplier", "Status", "InactiveDate", "LastUpdateDate")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobWork:
    """Does the work of jobs, each piece whole and at the moment it was due."""

    book: JobBook
    documents: DocumentBook
    desk: SupplierDesk

    def apply_due(self) -> None:
        """What was due is done."""
        if self.book.find_due() is None:
            return
        for _ in range(_TASKS_MAX):
            with self.book.store.transaction():
                task = self.book.find_due()
                if task is None:
                    return
                self.book.drop_task(task)
                {"load": self._load, "import": self._import, "export": self._export}[task.kind](
                    task
                )

    def _load(self, task: Task) -> None:
        """The rows of the file stand in the interface table, or the whole job has failed."""
        facts, root = task.facts, task.root
        template = _template(facts["definition"])
        try:
            rows = self._open(facts["document"], template)
        except FileRefusalError as refusal:
            self._fail_load(task, str(refusal))
            return
        loaded = SupplierImport(desk=self.desk, template=template).stage(rows, root)
        log = f"{template.table}: {loaded} rows loaded, LOAD_REQUEST_ID {root}\n"
        self.book.update(facts["load_file"], log=log)

    def _open(self, document_id: int, template: Template) -> list[Values]:
        document = self.documents.find(int(document_id))
        if document is None:
            raise FileRefusalError(f"There is no document {document_id}.")
        return open_rows(document.content, template, str(self.book.switches["import_template"]))

    def _fail_load(self, task: Task, reason: str) -> None:
        facts = task.facts
        self.book.drop_tasks(task.root)
        self.book.remove_children([facts["import"], facts["report"]] if "import" in facts else [])
        self.book.update(facts["load_file"], final="ERROR", log=f"{reason}\nNothing was loaded.\n")
        self.book.update(task.root, final="ERROR", ends=task.due)

    def _import(self, task: Task) -> None:
        """The rows are imported or rejected; logs, report and final states tell which."""
        facts = task.facts
        failure = str(self.book.switches["ess_import_fails"])
        if failure != "no":
            self._end_import(task, failure.upper(), "The import could not be run.\n")
            return
        template = _template(facts["definition"])
        author = self._author(task)
        runner = SupplierImport(desk=self.desk, template=template)
        outcomes = runner.run(facts["parameters"], author)
        rejected = any(outcome.is_rejected for outcome in outcomes)
        final = str(self.book.switches["ess_rejected_rows"]).upper() if rejected else SUCCEEDED
        self._end_import(task, final, count_line(outcomes) + "\n")
        if facts["extract"]:
            self._write_reports(task, template, outcomes)

    def _end_import(self, task: Task, final: str, log: str) -> None:
        self.book.update(task.facts["import"], final=final, log=log)
        if self.book.switches["ess_parent_follows"]:
            self.book.update(task.root, final=final)

    def _write_reports(self, task: Task, template: Template, outcomes: Sequence[Outcome]) -> None:
        facts = task.facts
        shown = _shown(outcomes, facts["parameters"])
        reports: dict[int, tuple[str, str]] = {
            facts["import"]: ("txt", text_report(template, outcomes, shown, load_id=task.root)),
            facts["report"]: ("xml", xml_report(template, shown, load_id=task.root)),
        }
        for request_id, (kind, text) in reports.items():
            self.book.update(request_id, output_name=f"{request_id}.{kind}", output=text)

    def _export(self, task: Task) -> None:
        """A zip with the suppliers stands in the content store."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(_EXPORTED)
        columns = ", ".join(_EXPORTED)
        writer.writerows(self.book.store.query(f"SELECT {columns} FROM suppliers ORDER BY _id"))  # noqa: S608 - constant
        content = decode_content(encode_zip([("Suppliers.csv", buffer.getvalue())]))
        name = f"ExportBulkData_{task.facts['definition']}_{task.root}.zip"
        self.documents.add(Document(file_name=name, content=content, content_type="zip"))
        self.book.update(task.root, log=f"{name} written\n")

    def _author(self, task: Task) -> Author:
        stamp = render_stamp(datetime.fromtimestamp(task.due, UTC))
        return Author(user=str(task.facts["user"]), stamp=stamp, source="IMPORT")


def _template(definition: str) -> Template:
    return next(template for template in TEMPLATES if template.definition == definition)


def _shown(outcomes: Sequence[Outcome], parameters: str) -> list[Outcome]:
    """Return what the report lists: every row, or the rejected ones where that is asked for."""
    parts = [part.strip().upper() for part in parameters.split(",")]
    exceptions_only = parts[1:2] == ["Y"]
    return [outcome for outcome in outcomes if outcome.is_rejected or not exceptions_only]
