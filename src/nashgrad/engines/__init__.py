"""Other ways to compute the same field."""
