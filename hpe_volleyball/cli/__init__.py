"""The command line: one module a command, each options -> one call -> table, exit code."""

from hpe_volleyball.cli.app import main

__all__ = ["main"]
