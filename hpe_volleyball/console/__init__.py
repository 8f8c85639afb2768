"""What is printed: progress while a run goes, tables at its end."""
