"""Where a flow's amounts are held: what a proof names, so that it speaks of no other place."""

from ml_connector.settings import ActualsFlow, BudgetFlow, Flow


def name_target(flow: Flow, model_id: str) -> str:
    """The place the flow brings amounts to, or takes them from; another name is another place."""
    if isinstance(flow, ActualsFlow):
        return f"model {model_id}, module {flow.module}"
    if isinstance(flow, BudgetFlow):
        return f"model {model_id}, export {flow.export}, ERP {flow.target}"
    return f"model {model_id}"
