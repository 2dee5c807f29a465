"""Imports of Anaplan: flow F1, a client library, and one start for each row."""

from base64 import b64encode
from collections import Counter
from functools import partial

from scripts.lost_replies.books import read_model, read_tasks
from scripts.lost_replies.projects import copy_project, order_flow
from scripts.lost_replies.stage import PASSWORD, Json, Stage, call
from scripts.lost_replies.work import Job, Setting, Tool, WritePath

FLOW = "dimensions-fusion"
USER = "integration@halden.example"
EMPTY = "lists empty"
CONTENTS = {
    "Load Entities": ("entities.csv", "Code,Name,Parent\nHI,Halden,\n"),
    "Load Accounts": ("accounts.csv", "Code,Name,Parent,Account Type\n4000,Sales,,R\n"),
    "Load Cost Centres": ("cost_centres.csv", "Code,Name,Parent\n120,Works,\n"),
    "Load Currencies": ("currencies.csv", "Code,Name\nUSD,US Dollar\n"),
}
"""The imports of F1, each with its file and a content that it takes."""


def prepare(setting: Setting) -> tuple[Json, list[str]]:
    """The model's ids, and the import of each start that is wanted, in turn."""
    setting.stage.turn("anaplan", **{"task.base_s": 0.0, "task.row_s": 0.0})
    model = read_model(setting.stage)
    imports = [model["imports"][name] for name in CONTENTS]
    return model, [imports[number % len(imports)] for number in range(setting.writes)]


def by_product(setting: Setting) -> list[Job]:
    """F1 runs as often as it takes, each time into lists that are empty again."""
    _, imports = prepare(setting)
    setting.stage.do("anaplan", "snapshot", name=EMPTY)
    project = copy_project(setting)
    each = len(CONTENTS)
    return [
        Job(
            command=order_flow(setting, project, FLOW, claims="tasks", number=number),
            wanted=Counter(imports[:each]),
            begin=partial(setting.stage.do, "anaplan", "restore", name=EMPTY),
        )
        for number in range(1, setting.writes // each + 1)
    ]


def by_dlt(setting: Setting) -> list[Job]:
    """One row for each start; the files are there."""
    model, imports = prepare(setting)
    root = f"/2/0/workspaces/{model['workspace']}/models/{model['id']}"
    url = setting.stage.urls["anaplan"]
    upload(setting.stage, model, root)
    rows = [
        {"url": f"{url}{root}/imports/{one}/tasks", "method": "POST",
         "body": {"localeName": "en_US"}}
        for one in imports
    ]  # fmt: skip
    spec = {
        "rows": rows, "folder": str(setting.folder / "dlt"), "timeout_s": setting.timeout_s,
        "headers": {}, "sign_on": describe_sign_on(url),
    }  # fmt: skip
    return [Job(command=setting.order("by_dlt", spec), wanted=Counter(imports))]


def describe_sign_on(url: str) -> Json:
    """How a token is had, and where it stands in a request."""
    basic = b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    return {
        "url": f"{url}/token/authenticate", "body": None,
        "headers": {"Authorization": f"Basic {basic}"},
        "token": ["tokenInfo", "tokenValue"], "header": "Authorization",
        "prefix": "AnaplanAuthToken ",
    }  # fmt: skip


def upload(stage: Stage, model: Json, root: str) -> None:
    """Each import has a file to take."""
    url, how = stage.urls["anaplan"], describe_sign_on(stage.urls["anaplan"])
    token = call("POST", how["url"], b"", how["headers"])["tokenInfo"]["tokenValue"]
    headers = {"Authorization": f"{how['prefix']}{token}"}
    for source, content in CONTENTS.values():
        place = f"{url}{root}/files/{model['sources'][source]}"
        kind = {"Content-Type": "application/octet-stream"}
        call("PUT", place, content.encode(), {**headers, **kind})


def by_sdk(setting: Setting) -> list[Job]:
    """One import after the other, uploaded and run as the library's guide does it."""
    model, imports = prepare(setting)
    files = {
        model["imports"][name]: {"file": int(model["sources"][source]), "content": content}
        for name, (source, content) in CONTENTS.items()
    }
    spec = {
        "url": setting.stage.urls["anaplan"], "workspace": model["workspace"],
        "model": model["id"], "user": USER, "password": PASSWORD,
        "timeout_s": setting.timeout_s, "done": str(setting.folder / "done.txt"),
        "jobs": [{"import": int(one), **files[one]} for one in imports],
    }  # fmt: skip
    return [Job(command=setting.order("by_anaplan_sdk", spec), wanted=Counter(imports))]


PATHS = (
    WritePath(
        title="Anaplan import start", system="anaplan", method="POST",
        pattern=r"/imports/\d+/tasks$", read=read_tasks, step=len(CONTENTS),
        tools={Tool.PRODUCT: by_product, Tool.DLT: by_dlt, Tool.SDK: by_sdk},
    ),
)  # fmt: skip
