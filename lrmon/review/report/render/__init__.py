"""The report as JSON, as text, as HTML and as a plot."""
