"""Who is asking, and for which merchant."""
