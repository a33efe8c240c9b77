"""Everything outbound over HTTP: signing, retry schedule, breaker, limits."""
