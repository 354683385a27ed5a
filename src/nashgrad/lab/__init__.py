"""Training runs from configuration files: what knows files, time, seeds and printing."""
