"""Pages about orders and stores: each asks one query or calls one step, and shows the result."""
