"""The program on a Raspberry Pi at a touchpoint: it sees, keeps, reports and shows, and needs nobody to do so."""
