"""What every room of the laboratory needs: errors, signals, progress, files never half-written."""
