"""The hub's web: the HTTP API, the live stream, metrics, and the pages on top of them."""
