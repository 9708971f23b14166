"""The only owner of the database: journal, outbox and projections, written by one connection, read by many."""
