"""The site's brain: takes signals in, lets the engine judge them, keeps the evidence, tells people."""
