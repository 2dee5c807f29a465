"""A server that answers as the general ledger of Oracle Fusion Cloud ERP does."""
