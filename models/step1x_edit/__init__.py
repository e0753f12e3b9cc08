"""Step1X-Edit (Liu et al. 2025, arXiv 2504.17761): a network that edits images by instruction."""
