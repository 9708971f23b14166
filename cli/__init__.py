"""The `andgate` command: which programs there are, and how they end. It knows nothing that a program knows."""
