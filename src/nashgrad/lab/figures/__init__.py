"""`nashgrad reproduce`: figures of the paper, each with the numbers behind it."""

from nashgrad.lab.figures.reproduce import reproduce as reproduce
