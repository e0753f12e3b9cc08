"""What the backend `diffusers` is made of: where a pipeline is, how it is loaded, and how it is called."""
