"""What a report points at: one module for each theme, and their order of importance.

A finding that is not sure is none. Each theme's module says in its docstrings what has to hold.
"""
