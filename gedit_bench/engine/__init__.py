"""Doing it: the edit loop and the judge loop. The only layer with concurrency."""
