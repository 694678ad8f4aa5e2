"""Measurements: praxisd beside a floor in the same run, printed as ratios (SPEC 13.3). How to: README.md."""
