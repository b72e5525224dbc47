"""The report as JSON, as text and as a picture."""
