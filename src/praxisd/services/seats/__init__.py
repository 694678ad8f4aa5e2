"""seats: who works where, and who edits which record."""
