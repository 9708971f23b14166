"""The heart: signals become moments of truth, and moments get their verdicts."""
