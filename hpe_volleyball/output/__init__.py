"""What a run leaves behind: overlay video, data file, and how they were made."""
