"""What the hub says on MQTT beside pages: retained states for lamps and signs, verdicts, receipts, commands."""
