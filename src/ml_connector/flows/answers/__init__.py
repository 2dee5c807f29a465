"""What people ask afterwards, or beforehand: traces, refusals, findings about a flow."""
