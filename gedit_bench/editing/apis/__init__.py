"""What backends behind an API share: calls in flight, their retries and costs, and reading what comes back."""
