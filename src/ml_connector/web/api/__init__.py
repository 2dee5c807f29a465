"""The API: what commands and pages do, for programs; one module for each area."""
