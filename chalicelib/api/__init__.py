"""The HTTP door: one Blueprint per resource, closed by default."""
