"""The product in words a controller understands: F1 to F6, preflight, tie-out, replay.

Start reading at `actuals.py`. Nothing here names a system, a database or an engine.
"""
