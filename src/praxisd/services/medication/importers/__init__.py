"""Sources of data sets: each file reads one and gives rows as `sets_building` takes them, and warnings by line."""
