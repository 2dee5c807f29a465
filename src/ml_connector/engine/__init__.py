"""Durable runs on DBOS Transact: steps that are stored, queues by key, resume after any stop.

The engine itself is in `ml_connector.engine.durable`; it is not imported here, because it loads
DBOS and SQLAlchemy, which commands that only read do not need.
"""
