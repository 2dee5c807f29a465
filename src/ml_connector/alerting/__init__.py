"""Channels people are told through: e-mail, Slack, Teams, webhooks. Knows nothing of alerts."""
