"""The daily look, the form „Sicherungsprotokoll“, what no plan covers, and figures over time (SPEC 8.6, 8.7)."""
