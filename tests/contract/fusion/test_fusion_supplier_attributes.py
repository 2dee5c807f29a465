"""What a supplier flow may write is what a pod can be written."""

from ml_connector.settings import ATTRIBUTE_KINDS
from ml_connector.systems.fusion import supplier_wire


def test_settings_name_what_can_be_written_and_nothing_else() -> None:
    """Attributes and kinds of the settings are those of the wire; ids and secrets are none."""
    written = (
        dict.fromkeys(supplier_wire.TEXTS, "text")
        | dict.fromkeys(supplier_wire.DATES, "date")
        | dict.fromkeys(supplier_wire.FLAGS, "flag")
        | dict.fromkeys(supplier_wire.AMOUNTS, "amount")
    )

    assert dict(ATTRIBUTE_KINDS) == written
    assert not set(ATTRIBUTE_KINDS) & set(supplier_wire.CREATION_ONLY)
