"""Moving the server to another computer, as a guided path (SPEC 8.5)."""
