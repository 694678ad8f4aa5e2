"""Be called instead of asking: sign up, check each signature, end after as many calls as are wanted.

PORT=8099 python webhook.py 1
"""

import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

from praxis import ask

wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 1
seen = set()


# --- verify ---
def verified(header, body, secret, tolerance_s=300):
    """True if praxisd sent these bytes, and not long ago."""
    parts = dict(part.split("=", 1) for part in header.split(","))
    expected = hmac.new(secret.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, parts["v1"]) and abs(time.time() - int(parts["t"])) <= tolerance_s


# --- receive ---
class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not verified(self.headers["Praxisd-Signature"], body, hook["secret"]):
            self.answer(401)
            print("refused", flush=True)
            return
        self.answer(204)  # first answer, then work
        call = json.loads(body)
        if call["id"] not in seen:  # the same call may come twice
            seen.add(call["id"])
            print("verified:", call["type"], call["subject"]["id"], flush=True)

    def answer(self, status):
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_):
        """Say nothing of your own."""


# --- sign up ---
server = HTTPServer(("127.0.0.1", int(os.environ.get("PORT", "0"))), Receiver)
address = f"http://127.0.0.1:{server.server_port}/"
wish = {"name": "Python", "url": address, "events": ["appointment.*"]}
_, hook, _ = ask("POST", "/api/v1/webhooks", wish)  # its secret is shown this once
print("listening:", address, flush=True)
while len(seen) < wanted:
    server.handle_request()
print("signed off:", ask("DELETE", f"/api/v1/webhooks/{hook['id']}")[0])
