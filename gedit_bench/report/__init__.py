"""Showing it: one offline page, and the same numbers as CSV, JSON, Markdown and LaTeX."""
