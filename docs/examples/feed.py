"""A feed from another system: lines of "at,touchpoint,signal,key" on standard input become signals.

    tail -n +1 -f events.csv | python feed.py http://127.0.0.1:8080

The id is made of the line, so the same line twice is one signal, and the script can begin again from the top.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request

url = sys.argv[1] + "/api/v1/signals"
headers = {"Content-Type": "application/json"}
if "ANDGATE_TOKEN" in os.environ:
    headers["Authorization"] = "Bearer " + os.environ["ANDGATE_TOKEN"]

for line in map(str.strip, sys.stdin):
    at, touchpoint, signal, key = line.split(",")
    body = {"id": f"ops-{line}", "at": at, "touchpoint": touchpoint, "signal": signal, "key": key or None}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    while True:
        try:
            print(line, "->", urllib.request.urlopen(request, timeout=10).read().decode(), flush=True)
            break
        except urllib.error.HTTPError as no:
            if no.code not in (500, 503):  # wrong, and wrong the next time too: the problem says why
                print(line, "->", json.load(no)["detail"], file=sys.stderr)
                break
        except OSError:
            pass
        time.sleep(2)  # the hub is away or busy: the same signal again, nothing is lost or counted twice
