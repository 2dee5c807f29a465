"""What migrations are made of: columns every table has, and operations beside processes at work."""

from typing import Any

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState


class AddIndexBeside(migrations.AddIndex):
    """The table that stands has the index, and writers went on while it was built.

    On PostgreSQL it is built outside of a transaction: its migration says `atomic = False` and
    holds nothing else than such indexes. What an interrupted build has left is in the way and worth
    nothing, so it goes first, and the whole may be repeated.
    """

    atomic = False

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Django's name for applying it."""
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        editor: Any = schema_editor
        name = editor.quote_name(self.index.name)
        editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        model = to_state.apps.get_model(app_label, self.model_name)
        editor.add_index(model, self.index, concurrently=True)


def make_key() -> Any:
    """The column that numbers the rows of a table."""
    return models.BigAutoField(
        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
    )


def make_owner() -> Any:
    """The column that says whose a row is; every table has it."""
    return make_reference("organisation")


def make_reference(to: str, *, on_delete: Any = models.PROTECT, **how: Any) -> Any:
    """A column that names a row of another table; indexes of their own find its rows."""
    return models.ForeignKey(
        f"records.{to}", on_delete=on_delete, **{"related_name": "+", "db_index": False, **how}
    )


def make_unique(name: str, *fields: str, **how: Any) -> models.UniqueConstraint:
    """No two rows of an organisation are alike in these fields."""
    return models.UniqueConstraint(fields=("organisation", *fields), name=name, **how)
