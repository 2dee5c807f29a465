"""Commands: each a thin call into wiring and flows; data on stdout, everything else on stderr."""
