"""One run: from a configuration to a session, and its training."""
