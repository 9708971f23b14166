"""People and rosters: who is on now, who is next, how they are reached, and what happens when a shift ends."""
