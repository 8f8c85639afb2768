"""Lets `python -m hpe_volleyball` run the program, where its script is not on the PATH."""

import sys

from hpe_volleyball.cli import main

if __name__ == "__main__":
    sys.argv[0] = "hpe-volleyball"  # what the results name as their command
    main()
