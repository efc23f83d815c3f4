"""`make demo`: the whole product on one machine against the sandbox. Speaks to both over HTTP only."""
