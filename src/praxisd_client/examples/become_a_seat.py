"""Make this computer a seat: python become_a_seat.py https://praxis:8080 "Anmeldung 1" seat.json"""

# ruff: noqa: T201
import sys

from praxisd_client import Api, register, wait_for_approval

url, name, path = sys.argv[1:]
api = Api(url)
made = register(api, name, program="example")
made.key.save(path)
print(f"compare this code in the console, under seats: {made.code}", flush=True)
print(wait_for_approval(api, made.key, every=0.2), flush=True)
