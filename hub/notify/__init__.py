"""The outbox worker: due, not cancelled, sent, recorded; one file for each kind of channel."""
