"""Pure values and functions of ledgers and planning; standard library only, no I/O, no clock."""
