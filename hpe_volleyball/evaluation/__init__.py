"""How good a result is: scores against a truth or another run."""
