"""What lies on disk: one folder a run, raw lines that are only ever appended, derived files beside them."""
