"""praxisd as a service of the operating system: its definition, installing it, taking it away, saying how it is."""
