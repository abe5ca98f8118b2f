"""What happened to mail: facts that never change, the state they add up to, and who is told."""
