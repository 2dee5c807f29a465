"""Suppliers into Fusion by its file import: flow F5, a file for each run."""

from collections import Counter
from functools import partial

from scripts.lost_replies.books import FUSION, Books, read_suppliers
from scripts.lost_replies.fusion_path import ALIAS, ANY, FLOW, describe_alias
from scripts.lost_replies.projects import change_yaml, copy_project, order_flow
from scripts.lost_replies.stage import Json, Stage
from scripts.lost_replies.work import Job, Setting, Tool, WritePath

PATTERN = f"{FUSION}/erpintegrations$"
SUPPLIERS_EACH = 3
"""Suppliers of one file."""
FIRST_JOB, JOBS_EACH = 15000123, 7
"""Ids that the pretended pod gives to the jobs of a submission."""


def read_files(stage: Stage) -> Books:
    """Files that have been loaded, by job; told by number and present alias of their suppliers."""
    rows = read_suppliers(stage, ANY)
    aliases = {str(row["SupplierNumber"]): str(row["Alias"]) for row in rows}
    submitted = sum(
        1 for line in stage.journal("fusion")
        if line["method"] == "POST" and line["path"].endswith("/erpintegrations")
    )  # fmt: skip
    files = {}
    for job in range(FIRST_JOB, FIRST_JOB + JOBS_EACH * submitted):
        loaded = stage.do("fusion", "interface_rows", ReqstId=job)["rows"]
        numbers = sorted(str(row["values"]["SEGMENT1"]) for row in loaded)
        if numbers:
            told = [f"{number} {aliases.get(number, '')}" for number in numbers]
            files[f"{'+'.join(numbers)}#{job}"] = ", ".join(told)
    return files


def by_product(setting: Setting) -> list[Job]:
    """Planners write aliases of a few suppliers before each run of F5."""
    project = copy_project(setting)
    change_yaml(
        project / "flows" / f"{FLOW}.yaml",
        send="file", approval={"people": 0}, attributes=[describe_alias()],
    )  # fmt: skip
    rows = [row for row in read_suppliers(setting.stage, ANY) if row["Status"] == "ACTIVE"]
    return [
        _build_job(setting, order_flow(setting, project, FLOW, claims="files", number=number + 1),
                   rows[number * SUPPLIERS_EACH : (number + 1) * SUPPLIERS_EACH])
        for number in range(setting.writes)
    ]  # fmt: skip


def _build_job(setting: Setting, command: tuple[str, ...], rows: list[Json]) -> Job:
    numbers = sorted(str(row["SupplierNumber"]) for row in rows)
    suppliers = [
        {"name": number, "code": number, "values": {"Alias": f"{ALIAS} {number}"}}
        for number in numbers
    ]
    return Job(
        command=command,
        wanted=Counter([", ".join(f"{number} {ALIAS} {number}" for number in numbers)]),
        begin=partial(setting.stage.do, "anaplan", "add_suppliers", suppliers=suppliers),
    )


PATHS = (
    WritePath(
        title="Fusion supplier file import", system="fusion", method="POST", pattern=PATTERN,
        read=read_files, share=4, lost_every=2, tools={Tool.PRODUCT: by_product},
    ),
)  # fmt: skip
