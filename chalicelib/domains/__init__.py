"""The DNS names that accounts send from: what must be published, what is, and which key signs."""
