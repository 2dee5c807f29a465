"""ml-connector keeps Oracle ERP ledgers and Anaplan in step, with proof."""

__version__ = "0.1.0"
