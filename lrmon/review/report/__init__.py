"""The report: what is computed of a run, judged and said."""
