"""Speaking to platforms. Knows nothing of our orders."""
