"""The driver: the only owner of the engine and of the writing connection.

`Driver` is the hub's: a thread with a queue. `Past` is the same judge without thread, outside and real time.
"""

from hub.driver.batch import Committed
from hub.driver.driver import Driver
from hub.driver.intake import Accepted, Delivered
from hub.driver.past import Past

__all__ = ["Accepted", "Committed", "Delivered", "Driver", "Past"]
