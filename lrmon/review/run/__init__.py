"""A run as data: its columns, epochs and fits, as series, samples and files."""
