"""The systems themselves: one package each, and the transport chain they share."""
