"""What a node has seen, on disk until the hub has it."""

from edge.spool.spool import KEEP_MS, LOOSE_MOST, Entry, Spool, Write, is_stored

__all__ = ["KEEP_MS", "LOOSE_MOST", "Entry", "Spool", "Write", "is_stored"]
