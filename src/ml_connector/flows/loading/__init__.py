"""How it is sent: chunks, one task per model, its result, and what the model took."""
