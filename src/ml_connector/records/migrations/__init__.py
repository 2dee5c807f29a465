"""Migrations of records, oldest first."""
