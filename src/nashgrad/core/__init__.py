"""Games, their flat parameter space, their field and its Jacobian."""
