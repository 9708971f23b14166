"""A terminal in a box: passengers, flights and staff that drive mock pins and feeds."""
