"""Django's PostgreSQL, which says in our own words that the server is away."""
