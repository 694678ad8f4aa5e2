"""The doorman: starts and watches the server from outside, swaps versions, rolls back (SPEC 6.3, 7.2).

Imports nothing of praxisd and nothing of the relay; it reaches the database only by running a version's own
`praxisd migrate --expand`. `places`, `orders`, `journal` and `trust` are imported by the server too.
"""
