"""How often a process of the tests looks for rubbish."""

import gc

RUBBISH_MIN = 50_000
"""New objects after which it looks; more often costs a tenth of all."""


def spare_rubbish() -> None:
    """What is there by now stays; what comes is looked at less often, as little of it has rings."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(RUBBISH_MIN, 20, 20)
