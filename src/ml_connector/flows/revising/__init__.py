"""The way back of master data: a revised list compared, planned, written and read back."""
