"""The gatekeeper: what comes in is decoded, put on the site's timeline and taken once; garbage is set aside."""
