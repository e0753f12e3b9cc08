"""Several devices or machines: Ray processes that edit, and one that hands out the samples and writes the lines."""
