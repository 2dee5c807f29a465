"""What all settings share."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """Base of every settings model: frozen, and an unknown key is a fault."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, populate_by_name=True
    )
