"""Before and after: the same clip without and with each optimisation, time and accuracy."""
