"""In the machine: does what comes over the serial line, a JSON object a line, and answers the same way.

{"n": 1, "call": "lines:pull", "args": [17, "down"]}     {"n": 1, "is": null} {"n": 1, "end": true}
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
import traceback
from types import GeneratorType
from typing import Any

_lock = threading.Lock()


def say(**words: Any) -> None:
    """Say one thing, in one piece."""
    line = json.dumps(words) + "\n"
    with _lock:
        os.write(1, line.encode())  # the serial line, whatever else may print


def obey(order: dict[str, Any]) -> None:
    """Call a function of a module beside this one; a generator says each thing when it has it."""
    number = order["n"]
    try:
        module, _, name = order["call"].partition(":")
        function = getattr(importlib.import_module(f"tests.hil.guest.{module}"), name)
        answer = function(*order["args"], **order["more"])
        for one in answer if isinstance(answer, GeneratorType) else (answer,):
            say(n=number, **{"is": one})
    except Exception:  # noqa: BLE001 - whoever asked is told
        say(n=number, wrong=traceback.format_exc())
        return
    say(n=number, end=True)


def main() -> None:
    """Do what is asked, each thing in its own thread, until the machine is switched off."""
    say(n=0, **{"is": "here"})
    for line in sys.stdin:
        threading.Thread(target=obey, args=(json.loads(line),), daemon=True).start()


if __name__ == "__main__":
    main()
