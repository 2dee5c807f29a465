"""What is to be sent: summaries less what the model was last told, held by guards."""
