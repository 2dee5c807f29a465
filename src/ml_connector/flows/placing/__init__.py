"""Where a line goes: rules, exclusions and signs, and what they do to the archive."""
