"""Quiet: what keeps pages from people for a while, by whose word, and until when.

Mutes, suspension by a fire alarm's contact, desks in training, and places where Andgate only listens. Moments are
judged all the same; at the end of each the present state is paged.
"""

from hub.quiet.quiet import Quiet
from hub.quiet.state import OF_PLAN
from hub.quiet.view import NOTHING, Mute, Suspension, Training, View

__all__ = ["NOTHING", "OF_PLAN", "Mute", "Quiet", "Suspension", "Training", "View"]
