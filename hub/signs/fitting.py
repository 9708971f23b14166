"""Retained states that fit into a message, however much is open."""

from __future__ import annotations

from msgspec.structs import replace

from andgate.wire.codec import encode
from andgate.wire.messages import MAX_PAYLOAD_BYTES, GroupBoard, TouchpointMoments


def fitting(state: GroupBoard | TouchpointMoments) -> bytes:
    """Encode as many of the nearest moments as a message may be long: nobody reads a longer one."""
    payload = encode(state)
    while len(payload) > MAX_PAYLOAD_BYTES and state.moments:
        state = replace(state, moments=state.moments[: len(state.moments) * 9 // 10])
        payload = encode(state)
    return payload
