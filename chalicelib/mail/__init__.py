"""The mail standards, one module each: bytes and values in, values out. Nothing here does I/O."""
