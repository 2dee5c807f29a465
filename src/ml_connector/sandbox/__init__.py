"""Servers that behave as the vendors' contracts say, over one seeded company.

Nothing in here is shared with the clients: a shared type would make a shared mistake invisible.
"""
