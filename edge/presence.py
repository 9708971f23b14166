"""Who a node is to the broker: its site, its session, and what is said in its name when it comes and goes.

Each connection is a session with a number that only grows. Its will carries the same number, so that a will that is
late cannot kill a newer birth.
"""

from __future__ import annotations

from collections.abc import Iterable

import andgate
from andgate.wire import topics
from andgate.wire.codec import encode
from andgate.wire.messages import NodeState
from edge.link import Link, Will
from edge.spool import Spool


class Presence:
    """One node at the broker; belongs to the worker."""

    def __init__(self, node: str, site: str | None, spool: Spool, link: Link) -> None:
        """Go on from what is kept.

        Args:
            node: its id.
            site: the site's id; None: as it was learnt before, or will be with the first configuration.
            spool: keeps what must outlast a restart.
            link: carries it.
        """
        self._node, self._spool, self._link = node, spool, link
        self._session = int(spool.fact("session") or 0)
        self._run = self._session + 1
        """Names this run of the program."""
        self._subscribed: set[str] = set()
        self.names: topics.Topics | None = None
        """The topics of the site; None while it is not known."""
        if site is None:
            site = (spool.fact("site") or b"").decode() or None
            self.names = None if site is None else topics.Topics(site)
        else:
            self.learn(site)

    def learn(self, site: str) -> None:
        """Be of this site from now on."""
        self.names = topics.Topics(site)
        self._spool.keep("site", site.encode())

    def connect(self, touchpoints: Iterable[str], groups: Iterable[str] = ()) -> None:
        """Ask for the next connection, in a session of its own."""
        if self.names is None:
            self._link.connect(None, [f"{topics.ROOT}/+/node/{self._node}/config"])
            return
        self._begin(self._session + 1)
        lost = NodeState(state="lost", session=self._session)
        self._subscribed = set(self.names.node_filters(self._node, sorted(touchpoints), sorted(groups)))
        self._link.connect(Will(self.names.node_state(self._node), encode(lost)), sorted(self._subscribed))

    def listen(self, touchpoints: Iterable[str], groups: Iterable[str] = ()) -> None:
        """Hear of these touchpoints and groups as well."""
        if self.names is None:
            return
        wanted = set(self.names.node_filters(self._node, sorted(touchpoints), sorted(groups)))
        more = sorted(wanted - self._subscribed)
        self._subscribed |= wanted
        if more:
            self._link.subscribe(more)

    def birth(self, config: str | None) -> None:
        """Say that the node is here, with the hash of its configuration; on every connection, and when that changes."""
        self._say(
            NodeState(
                state="online",
                session=self._session,
                boot=self._spool.boot,
                version=andgate.__version__,
                config=config,
                run=self._run,
            )
        )

    def goodbye(self) -> None:
        """Say that the node was stopped in order."""
        self._say(NodeState(state="stopped", session=self._session, boot=self._spool.boot))

    def heard(self, said: NodeState, config: str | None) -> None:
        """Take what is said in the node's own name; whoever says otherwise is contradicted."""
        if said.session > self._session:
            # Our numbers went back (a restored card): a will with a lower number would be ignored.
            self._begin(said.session)
            self._link.drop()
        elif said.state != "online":
            self.birth(config)

    def _begin(self, session: int) -> None:
        self._session = session
        self._spool.keep("session", str(session).encode())

    def _say(self, state: NodeState) -> None:
        if self.names is not None:
            self._link.publish(self.names.node_state(self._node), encode(state), retain=True)
