"""Each migration says by its name whether older code may work beside it, and keeps to it."""

import importlib
from collections.abc import Collection, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from django.db import migrations, models

from ml_connector.records.migration_operations import AddIndexBeside
from ml_connector.records.stages import STAGED_FROM, Stage, find_number, find_stage

FOLDER = Path("src/ml_connector/records/migrations")
WHY = "OLDER_CODE_GOES_ON"
"""A text of the module that says why older code goes on beside what is not plainly an addition."""
WHY_CHARACTERS_MIN = 30
FREE = (migrations.CreateModel, AddIndexBeside, migrations.AlterModelOptions)
"""Older code neither reads nor writes what they make, nor waits for it."""


BESIDE_FROM = 11
"""Before, no release had filled the tables: an index was there in no time."""


def find_fault(operation: Any, made: Collection[str]) -> str:
    """Why older code might not go on beside it; empty when it only adds.

    Args:
        operation: Of the migration.
        made: Models the migration makes, in small letters.
    """
    if isinstance(operation, FREE):
        return ""
    if isinstance(operation, migrations.AddIndex):
        is_new = operation.model_name.lower() in made
        return "" if is_new else "AddIndex keeps writers waiting; take AddIndexBeside"
    if not isinstance(operation, migrations.AddField):
        return f"{type(operation).__name__} does not only add"
    field: models.Field[Any, Any] = operation.field
    # Django takes a `default` away again when the column stands: older code would write no value.
    if not field.null and field.db_default is models.NOT_PROVIDED:
        return f"column {operation.name} has neither null=True nor db_default"
    if field.unique:
        return f"column {operation.name} refuses what older code may write twice"
    return ""


def list_faults(name: str, module: ModuleType) -> list[str]:
    """What is wrong with a migration that has a number of today."""
    stage = find_stage(name)
    if stage is None:
        return [f"{name}: name it NNNN_pre_... or NNNN_post_..."]
    why = str(getattr(module, WHY, ""))
    if stage is Stage.POST or len(why) >= WHY_CHARACTERS_MIN:
        return []
    operations = module.Migration.operations
    made = {one.name.lower() for one in operations if isinstance(one, migrations.CreateModel)}
    if find_number(name) < BESIDE_FROM:
        made |= {one.model_name for one in operations if isinstance(one, migrations.AddIndex)}
    faults = [find_fault(one, made) for one in operations]
    beside = [isinstance(one, AddIndexBeside) for one in operations]
    if any(beside) and (module.Migration.atomic or not all(beside)):
        faults.append("AddIndexBeside stands beside nothing else, with atomic = False")
    return [f"{name}: {fault}; make it a post migration, or say {WHY}" for fault in faults if fault]


def read_migrations(root: Path) -> Iterator[tuple[str, ModuleType]]:
    """Yield the migrations that have a stage."""
    for path in sorted((root / FOLDER).glob("[0-9]*.py")):
        if find_number(path.stem) >= STAGED_FROM or find_number(path.stem) == 0:
            yield path.stem, importlib.import_module(f"ml_connector.records.migrations.{path.stem}")


def make_module(*operations: Any, **texts: Any) -> ModuleType:
    """A migration of these operations."""
    module = ModuleType("made_up")
    names = {"operations": operations, "atomic": texts.pop("atomic", True)}
    vars(module).update({"Migration": type("Migration", (migrations.Migration,), names), **texts})
    return module


TEXT = models.TextField
INDEX = models.Index(fields=("kind",), name="some")
FORBIDDEN = [
    migrations.RemoveField("run", "kind"),
    migrations.DeleteModel("Run"),
    migrations.RenameField("run", "kind", "sort"),
    migrations.AlterField("run", "kind", TEXT(null=True)),
    migrations.AddConstraint("run", models.UniqueConstraint(fields=("kind",), name="one")),
    migrations.RunSQL("SELECT 1"),
    migrations.RunPython(migrations.RunPython.noop),
    migrations.AddField("run", "mood", TEXT()),
    migrations.AddField("run", "mood", TEXT(default="good")),
    migrations.AddField("run", "mood", TEXT(null=True, unique=True)),
    migrations.AddIndex("run", INDEX),
    AddIndexBeside("run", INDEX),
]
ALLOWED = [
    migrations.CreateModel("Mood", [("text", TEXT())]),
    migrations.AddField("run", "mood", TEXT(null=True)),
    migrations.AddField("run", "mood", TEXT(db_default="good")),
    migrations.AddIndex("Mood", INDEX),
]


def test_rule_about_migrations_bites() -> None:
    """What takes away, tightens or is opaque is no addition unless its module says why it is."""
    for operation in FORBIDDEN:
        assert list_faults("0011_pre_mood", make_module(operation)), operation
        assert list_faults("0011_post_mood", make_module(operation)) == []
    assert list_faults("0011_pre_mood", make_module(*ALLOWED)) == []
    beside = make_module(AddIndexBeside("run", INDEX), atomic=False)
    assert list_faults("0011_pre_mood", beside) == []
    (fault,) = list_faults("0011_mood", make_module(*ALLOWED))
    assert "name it" in fault
    why = {WHY: "Older code writes no such row and reads them all the same."}
    assert list_faults("0011_pre_mood", make_module(FORBIDDEN[5], **why)) == []
    assert list_faults("0011_pre_mood", make_module(FORBIDDEN[5], **{WHY: "It does."}))


def test_each_migration_of_today_keeps_to_its_stage(root: Path) -> None:
    """A start applies what only adds while older processes work; see decision 0014."""
    faults = [
        fault for name, module in read_migrations(root) for fault in list_faults(name, module)
    ]
    assert faults == []


def test_no_two_migrations_have_one_number(root: Path) -> None:
    """They are applied in the order of their names, one behind the other."""
    numbers = [find_number(path.stem) for path in (root / FOLDER).glob("[0-9]*.py")]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
