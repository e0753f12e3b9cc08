"""Suites: several models and judges over the same samples, as one piece of work with one report at its end."""
