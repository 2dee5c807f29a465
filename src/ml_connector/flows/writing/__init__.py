"""How an ERP is written: what was approved, what is missing there, one posting at a time."""
