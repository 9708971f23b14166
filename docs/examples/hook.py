"""A receiver of signed web hooks: checks who sent it and when, knows what came twice, answers at once.

    python hook.py 8000 whsec_...

Type q and Enter to end it.
"""

import base64
import binascii
import hashlib
import hmac
import http.server
import json
import sys
import threading
import time

TOLERATED_S = 300
port, secret = int(sys.argv[1]), sys.argv[2]
key = base64.b64decode(secret.removeprefix("whsec_"))
seen = set()  # a program for every day keeps it on disk, for a day


def genuine(headers, body):
    """Say whether the body was signed with our secret, just now."""
    name, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not at.isascii() or not at.isdigit() or abs(time.time() - int(at[:12])) > TOLERATED_S:
        return False
    digest = hmac.new(key, f"{name}.{at}.".encode() + body, hashlib.sha256).digest()
    for each in headers.get("webhook-signature", "").split():  # several, while a secret is being changed
        version, _, signature = each.partition(",")
        try:
            if version == "v1" and hmac.compare_digest(base64.b64decode(signature), digest):
                return True
        except binascii.Error:
            continue
    return False


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if not genuine(self.headers, body):
            self.answer(401)
            return
        self.answer(204)
        event = json.loads(body)
        if event["id"] not in seen:
            seen.add(event["id"])
            page = event["data"]
            print(f"{event['type']} to {page['group']}: {page['text']}", flush=True)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()
        self.wfile.flush()

    def log_message(self, *words):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Hook)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(f"listening on {server.server_address[1]}", flush=True)
for line in sys.stdin:
    if line.strip() == "q":
        break
server.shutdown()
