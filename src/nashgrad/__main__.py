"""`python -m nashgrad` is the `nashgrad` command."""

import sys

from nashgrad.lab.entry import main

if __name__ == "__main__":
    sys.exit(main())
