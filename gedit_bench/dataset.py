"""Loads the benchmark: from the hub, a local folder, or the bundled sample, all through one loader.

Metadata first, pixels one at a time: opening 1212 rows decodes nothing.
"""

HUB_ID = "stepfun-ai/GEdit-Bench"
