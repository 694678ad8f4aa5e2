"""The rooms of the house: one folder per service, the same file names in each."""
