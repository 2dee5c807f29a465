"""The company that the pretended JD Edwards keeps, and what happens to its books.

`seed_books` fills the empty tables; `register_operations` lets a test enter, post, delete and
spoil things from outside. All of it works on raw values: scaled integers, Julian days, padded
texts. Decimals and dates occur at the edges alone.
"""

from ml_connector.sandbox.jde.books.seeding import seed_books

__all__ = ["seed_books"]
