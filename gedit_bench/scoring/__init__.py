"""Numbers: pure functions from verdicts to tables. Needs numpy and nothing else."""
