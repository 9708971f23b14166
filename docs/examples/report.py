"""The success of every promise, worst first, with its 95 % interval.

    python report.py http://127.0.0.1:8080 [BY [SINCE]]

BY is expectation, touchpoint, area, team, hour, day, interaction or key; SINCE is a time, as 2026-11-01T00:00:00.000Z.
"""

import json
import os
import sys
import urllib.parse
import urllib.request

query = urllib.parse.urlencode(dict(zip(("by", "since"), sys.argv[2:], strict=False)))
request = urllib.request.Request(f"{sys.argv[1]}/api/v1/success?{query}")
if "ANDGATE_TOKEN" in os.environ:
    request.add_header("Authorization", "Bearer " + os.environ["ANDGATE_TOKEN"])
groups = json.load(urllib.request.urlopen(request, timeout=10))["items"]

for group in sorted((group for group in groups if group["n"]), key=lambda group: group["rate"]):
    kept, low, high = (f"{group[name] * 100:5.1f}" for name in ("rate", "low", "high"))
    counts = f"{group['success']} of {group['n']} kept, {group['saved']} of them saved"
    print(f"{kept} % ({low} to {high})  {group['name']}  {counts}")
