"""What a flow works with, and what the engine executes under its name."""

from typing import TYPE_CHECKING, Any, cast

from ml_connector.errors import UsageError
from ml_connector.ports import Json, Steps
from ml_connector.settings import ActualsFlow, BudgetFlow, DimensionsFlow, Flow, SupplierFlow
from ml_connector.wiring.callers import Callers
from ml_connector.wiring.near import list_names
from ml_connector.wiring.parts import Part

if TYPE_CHECKING:
    from ml_connector.flows.bench import (
        ActualsBench,
        Bench,
        BudgetBench,
        DimensionsBench,
        SupplierBench,
    )
    from ml_connector.ports import LedgerSource, PlanningTarget


class Benches(Part):
    """The house's benches, one for each flow; the house itself supplies stores and clients."""

    _callers: Callers

    if TYPE_CHECKING:

        def source(self, name: str) -> LedgerSource:
            """The ERP behind a connection."""

        def target(self, name: str) -> PlanningTarget:
            """The planning model behind a connection."""

        def find_facts(self, flow: ActualsFlow) -> frozenset[str] | None:
            """What the flow's rules may ask about a line."""

        def find_rules_text(self, flow: ActualsFlow) -> str:
            """The text of the rules in force."""

    def flow(self, name: str) -> Flow:
        """A flow's settings.

        Raises:
            UsageError: No such flow; names those there are.
        """
        found = self.project.flows.get(name)
        if found is None:
            raise UsageError(
                f"There is no flow {name!r}; there are: {list_names(name, self.project.flows)}",
                written="Nothing was read or sent.",
                next_step="Look into the folder flows/ of the project.",
                flow=name,
            )
        return found

    def _ports(self, flow: Flow) -> dict[str, Any]:
        # These flow the other way; a bench knows its ERP and its model, whichever is written.
        is_back = isinstance(flow, BudgetFlow | SupplierFlow)
        erp, model = (flow.target, flow.source) if is_back else (flow.source, flow.target)
        return {
            "source": self.source(erp),
            "target": self.target(model),
            "records": self.records,
            "archive": self.archive,
            "clock": self.clock,
            "actor": self.actor,
            "holder": self.holder,
        }

    def dimensions_bench(self, flow: DimensionsFlow) -> "DimensionsBench":
        """The bench of a dimensions flow, its parents files read."""
        from ml_connector.flows.bench import DimensionsBench  # noqa: PLC0415 - start-up time.

        files = {
            row.list: self.project.read_text(row.parents.file)
            for row in flow.lists
            if row.parents.file is not None
        }
        return DimensionsBench(**self._ports(flow), flow=flow, parents_files=files)

    def actuals_bench(self, flow: ActualsFlow) -> "ActualsBench":
        """The bench of an actuals flow, its rules in force read."""
        from ml_connector.flows.bench import ActualsBench  # noqa: PLC0415 - start-up time.

        siblings = {
            other.name: other.ledgers
            for other in self.project.flows.values()
            if isinstance(other, ActualsFlow) and other.source == flow.source
        }
        first = self.project.flows.get(flow.dimensions_flow)
        return ActualsBench(
            **self._ports(flow),
            flow=flow,
            mapping_text=self.find_rules_text(flow),
            facts=self.find_facts(flow),
            ledgers_by_flow=siblings,
            dimensions=self.dimensions_bench(first) if isinstance(first, DimensionsFlow) else None,
        )

    def budget_bench(self, flow: BudgetFlow) -> "BudgetBench":
        """The bench of a budget flow."""
        from ml_connector.flows.bench import BudgetBench  # noqa: PLC0415 - start-up time.

        ports = self._ports(flow)
        return BudgetBench(**ports, flow=flow, journals=cast("Any", ports["source"]))

    def supplier_bench(self, flow: SupplierFlow) -> "SupplierBench":
        """The bench of a supplier flow, its template read.

        Raises:
            SettingsError: The template holds faults; all of them are listed.
        """
        from ml_connector.flows.bench import SupplierBench  # noqa: PLC0415 - start-up time.
        from ml_connector.flows.revising.templates import parse_template  # noqa: PLC0415 - same.

        path, ports = flow.template, self._ports(flow)
        text = self.project.read_text(path) if path else ""
        return SupplierBench(
            **ports, flow=flow, suppliers=cast("Any", ports["source"]),
            template=parse_template(text, name=str(path)) if path else (),
        )  # fmt: skip

    def bench(self, flow: Flow) -> "Bench":
        """The bench of any flow."""
        if isinstance(flow, SupplierFlow):
            return self.supplier_bench(flow)
        if isinstance(flow, BudgetFlow):
            return self.budget_bench(flow)
        if isinstance(flow, DimensionsFlow):
            return self.dimensions_bench(flow)
        return self.actuals_bench(flow)

    def _run_flow(self, flow_name: str, steps: Steps, request: Json) -> Json:
        """What the engine executes under a flow's name."""
        from ml_connector.flows.actuals import run_actuals  # noqa: PLC0415 - start-up time.
        from ml_connector.flows.budgets import run_budget  # noqa: PLC0415 - start-up time.
        from ml_connector.flows.dimensions import run_dimensions  # noqa: PLC0415 - start-up time.
        from ml_connector.wiring.stopping import naming_run  # noqa: PLC0415 - start-up time.

        flow = self.flow(flow_name)
        with naming_run(steps.run_id), self._callers.executing(steps.run_id):
            if isinstance(flow, DimensionsFlow):
                return run_dimensions(steps, request, self.dimensions_bench(flow))
            if isinstance(flow, BudgetFlow):
                return run_budget(steps, request, self.budget_bench(flow))
            if isinstance(flow, SupplierFlow):
                from ml_connector.flows.suppliers import run_suppliers  # noqa: PLC0415 - as above.

                return run_suppliers(steps, request, self.supplier_bench(flow))
            return run_actuals(steps, request, self.actuals_bench(flow))
