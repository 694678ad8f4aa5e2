"""Plans, drives, sources and media: what is to be done, with what, and where it is."""
