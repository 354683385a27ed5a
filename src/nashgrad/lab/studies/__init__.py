"""Many runs: sweeps and tournaments, each run in a process of its own."""
