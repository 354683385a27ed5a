"""The playground: two-player games in the plane, methods on them, and what eigenvalues predict."""

from nashgrad.lab.play.play import play, render

__all__ = ["play", "render"]
