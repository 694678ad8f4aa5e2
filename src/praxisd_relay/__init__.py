"""The post office: a hub that makes practices reachable from outside and cannot read what it carries (SPEC § 2).

Imports nothing of praxisd. `frames`, `hello`, `flow`, `link`, `pump` are pure; `carrier`, `bridge`, `hub`, `agent` drive
them on asyncio; `cluster` joins several hubs.
"""
