"""Talking to servers over HTTP: what they mean, when to ask again, and how many requests they can take."""
