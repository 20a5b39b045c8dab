"""With this module one can run minitf's commands as `python -m minitf`."""

import sys

from minitf.cli import main

if __name__ == "__main__":
    sys.exit(main())
