"""Showing it: one offline page, and the same numbers as CSV, JSON and Markdown."""
