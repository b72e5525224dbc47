"""The findings of a report: one module for each theme, and their ranking.

Only certain problems are findings. The docstrings of each theme state the conditions.
"""
