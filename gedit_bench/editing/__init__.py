"""How images are made: the interface of a backend, the registry, and one file per family of backends."""
