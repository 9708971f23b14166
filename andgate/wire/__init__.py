"""The MQTT contract: topics, messages and their coding; edge and hub speak only this."""
