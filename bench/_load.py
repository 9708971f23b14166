"""A process of its own that publishes prepared messages as fast as a window allows, so that it shares no lock.

``python -m bench._load PORT TOPIC_FILE``: the file holds lines of ``topic<TAB>payload``. Prints the seconds it took
until the broker had acknowledged everything.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from bench._mqtt import client

WINDOW = 200


def main() -> None:
    port, lines = int(sys.argv[1]), Path(sys.argv[2]).read_bytes().splitlines()
    messages = [tuple(line.split(b"\t", 1)) for line in lines]
    window = threading.Semaphore(WINDOW)
    with client(port) as sender:
        sender.on_publish = lambda *_: window.release()
        started = time.perf_counter()
        for topic, payload in messages:
            window.acquire()
            sender.publish(topic.decode(), payload, qos=1)
        for _ in range(WINDOW):
            window.acquire()
        print(time.perf_counter() - started)


if __name__ == "__main__":
    main()
