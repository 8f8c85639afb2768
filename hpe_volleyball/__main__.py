"""Lets `python -m hpe_volleyball` run the program, where its script is not on the PATH."""

from hpe_volleyball.cli import main

if __name__ == "__main__":
    main()
