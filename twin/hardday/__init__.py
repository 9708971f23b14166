"""A hard day: the airport before a real hub, while phones are dead, a channel fails and the fire alarm goes off."""
