"""What is done with a journal beside the hub that writes it: checks, copies, restores, seals, archives, erasure."""
