"""Immutable, content-addressed files of lines, summaries, plans and raw bytes."""

from ml_connector.archive.local import LocalArchive

__all__ = ["LocalArchive"]
