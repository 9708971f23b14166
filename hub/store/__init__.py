"""The only owner of the database: journal, outbox and projections, written by one connection, read by many."""

import sqlite3

from hub.store.checkpoints import Checkpoints
from hub.store.customers import Customers
from hub.store.pages import PageFate
from hub.store.people import People
from hub.store.phones import Phone, Phones
from hub.store.reader import Reader
from hub.store.restore import Restored, restore
from hub.store.rows import ChainHead, Listing, NodeRow, PageRow, TallyRow, TrailLine
from hub.store.snapshots import Snapshot, Snapshots
from hub.store.store import Store

StoreError = sqlite3.Error
"""What a commit raises when the disk does not take it; nothing is lost, it can be tried again."""

__all__ = [
    "ChainHead",
    "Checkpoints",
    "Customers",
    "Listing",
    "NodeRow",
    "PageFate",
    "PageRow",
    "People",
    "Phone",
    "Phones",
    "Reader",
    "Restored",
    "Snapshot",
    "Snapshots",
    "Store",
    "StoreError",
    "TallyRow",
    "TrailLine",
    "restore",
]
