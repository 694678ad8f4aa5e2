"""What the other examples share: one question to a praxisd, with the standard library alone.

PRAXISD_URL and PRAXISD_KEY say where it is and who asks.
"""

import json
import os
import urllib.error
import urllib.request

URL = os.environ["PRAXISD_URL"].rstrip("/")
KEY = os.environ["PRAXISD_KEY"]


def ask(method, path, body=None, headers=None):
    """(status, decoded answer, headers). A refusal is an answer too: its `code` says what to do."""
    data = None if body is None else json.dumps(body).encode()
    kind = {"Accept": "application/json", **({} if data is None else {"Content-Type": "application/json"})}
    sent = {"Authorization": f"Bearer {KEY}", **kind, **(headers or {})}
    request = urllib.request.Request(URL + path, data, sent, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read() or b"null"), answer.headers
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read()), refused.headers
