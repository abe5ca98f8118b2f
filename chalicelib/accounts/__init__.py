"""Who submits mail and pays for it, and the keys that say so."""
