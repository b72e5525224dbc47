"""One fit, recorded: from its first batch to the lines in the terminal after it."""
