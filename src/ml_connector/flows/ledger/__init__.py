"""What is read: ledgers, periods, changed batches, and the control against the balances."""
