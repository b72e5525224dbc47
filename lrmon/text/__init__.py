"""Text for people: words that depend on numbers, lines that fit a width, HTML for notebooks."""
