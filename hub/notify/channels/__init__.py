"""Ways to reach people, one file each; all pass the same conformance suite (``tests/hub/test_channels.py``)."""

from hub.notify.channels.channel import Channel, Note, Result

__all__ = ["Channel", "Note", "Result"]
