"""Anaplan: lists, imports, exports and tasks of one planning model."""
