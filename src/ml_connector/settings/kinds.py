"""Every kind of flow there is."""

from typing import Annotated

from pydantic import Field

from ml_connector.settings.budgets import BudgetFlow
from ml_connector.settings.flows import ActualsFlow, DimensionsFlow
from ml_connector.settings.suppliers import SupplierFlow

Flow = ActualsFlow | DimensionsFlow | BudgetFlow | SupplierFlow
"""Settings of any flow."""

FlowSettings = Annotated[Flow, Field(discriminator="kind")]
"""Any flow; `kind` tells which."""

FLOW_MODELS: dict[
    str, type[ActualsFlow] | type[DimensionsFlow] | type[BudgetFlow] | type[SupplierFlow]
] = {
    "actuals": ActualsFlow,
    "budget": BudgetFlow,
    "dimensions": DimensionsFlow,
    "suppliers": SupplierFlow,
}
"""The model of each kind of flow."""
