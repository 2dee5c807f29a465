"""A process that runs a budget flow and waits for an answer that does not come.

Usage: budget_child.py PROJECT FUSION_URL NOW RUN. Whoever started it kills it.
"""

import sys
from datetime import datetime
from pathlib import Path

from tests.conftest import BridgedClock

from ml_connector.wiring import open_house

PROJECT, FUSION, NOW, RUN = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]

with open_house(PROJECT, clock=BridgedClock(FUSION, datetime.fromisoformat(NOW))) as house:
    house.run_as(RUN, "budgets-jde", {})
