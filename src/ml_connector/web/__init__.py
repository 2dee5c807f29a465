"""The pages: what a finance team sees and decides, drawn on the server."""
