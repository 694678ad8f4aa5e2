"""praxisd: the always-on server of a medical or dental practice."""

__version__ = "0.1.0"
