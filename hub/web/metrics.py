"""What Prometheus may scrape at ``/metrics``: counted as it happens, or read from the store when asked.

Every application has its own registry, so several hubs can live in one process (tests, the twin).
"""

from __future__ import annotations

from collections import Counter as Tally
from typing import TYPE_CHECKING, get_args

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from andgate.audit import What
from hub.fleet.faults import KINDS, standing
from hub.store.covered import Asked
from hub.web.pages.spans import midnight_ms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.metrics_core import Metric

    from hub.clock import HubClock
    from hub.driver import Committed
    from hub.heartbeat import Heartbeat
    from hub.store import Reader
    from hub.web.context import Judge
    from hub.web.live import Live

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
COMMIT_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5)
"""From a quiet disk's fsync to one that is dying."""
PAGE_S = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300)
"""The promise is a page within a second."""
LEVELS = ("open", "threatened", "failing", "failed")
NODE_STATES = ("online", "lost", "stopped", "unseen")


class Metrics:
    """The hub's figures. The counting methods may be called from any thread."""

    def __init__(self) -> None:
        """Begin at zero, in a registry of its own."""
        self.registry = CollectorRegistry()
        signals = Counter("andgate_signals", "Signals by what became of them.", ["result"], registry=self.registry)
        self._accepted = signals.labels("accepted")
        self._duplicates = signals.labels("duplicate")
        self._refused = Counter(
            "andgate_http_refused", "Requests refused, by the name of the problem.", ["reason"], registry=self.registry
        )
        self._commit = Histogram(
            "andgate_commit_seconds",
            "Time a batch took from its first decision to its commit.",
            registry=self.registry,
            buckets=COMMIT_S,
        )
        self._page = Histogram(
            "andgate_page_seconds",
            "Time from the decision to page to its sure sending.",
            ["channel"],
            registry=self.registry,
            buckets=PAGE_S,
        )

        self._received = Histogram(
            "andgate_page_received_seconds",
            "Time from the decision to page to its receiver's word: delivered to a device, or read by a person.",
            ["channel", "what"],
            registry=self.registry,
            buckets=PAGE_S,
        )

    def committed(self, commit: Committed) -> None:
        """Count what a commit made true: a listener of the driver."""
        for heard in commit.heard:
            self._received.labels(heard.channel, heard.what).observe(max(0.0, heard.seconds))
        self._accepted.inc(commit.accepted)
        self._duplicates.inc(commit.duplicates)
        self._commit.observe(commit.took_s)

    def refused(self, reason: str) -> None:
        """Count a refused request, by the name of its problem."""
        self._refused.labels(reason).inc()

    def page(self, channel: str, seconds: float) -> None:
        """Note how long a page took to be surely sent over a channel."""
        self._page.labels(channel).observe(seconds)

    def watch(
        self, driver: Judge, reader: Reader, live: Live, clock: HubClock, heartbeat: Heartbeat | None = None
    ) -> None:
        """Read the rest from these at each scrape."""
        self.registry.register(_Standing(driver, reader, live, clock, heartbeat))

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self.registry)


class _Standing(Collector):
    """What is so now: read when it is asked for, never counted twice."""

    def __init__(self, driver: Judge, reader: Reader, live: Live, clock: HubClock, heartbeat: Heartbeat | None) -> None:
        self._clock = clock
        self._heartbeat = heartbeat
        self._driver = driver
        self._reader = reader
        self._live = live

    def describe(self) -> list[Metric]:
        """Say nothing ahead, so that registering reads nothing."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the figures."""
        levels: Tally[str] = Tally(moment.level for moment in self._driver.open_moments() if moment.training is None)
        moments = GaugeMetricFamily("andgate_moments_open", "Open moments by level.", labels=["level"])
        for level in LEVELS:
            moments.add_metric([level], levels[level])
        yield moments
        yield GaugeMetricFamily(
            "andgate_remedies_open", "Remedy tasks that nobody has done yet.", value=len(self._driver.open_tasks())
        )
        states: Tally[str] = Tally(node.state for node in self._reader.nodes())
        nodes = GaugeMetricFamily("andgate_nodes", "Nodes by state.", labels=["state"])
        for state in NODE_STATES:
            nodes.add_metric([state], states[state])
        yield nodes
        yield from self._fleet()
        yield from self._audit()
        yield from self._coverage()
        yield GaugeMetricFamily(
            "andgate_journal_entry", "Number of the journal's last entry.", value=self._driver.chain.entry
        )
        yield GaugeMetricFamily(
            "andgate_clock_ahead_seconds",
            "By how much the UTC of the hub's machine is ahead of site time, once that is more than is slewed.",
            value=self._driver.timekeeper.ahead_ms / 1000,
        )
        yield GaugeMetricFamily("andgate_outbox_depth", "Deliveries not yet sent.", value=self._reader.unsent())
        yield CounterMetricFamily(
            "andgate_quarantined", "Messages quarantined since the store began.", value=self._reader.quarantined()
        )
        yield GaugeMetricFamily("andgate_stream_clients", "Dashboards that listen now.", value=self._live.clients)
        yield CounterMetricFamily(
            "andgate_stream_dropped", "Dashboards dropped because they could not keep up.", value=self._live.dropped
        )

    def _audit(self) -> Iterator[Metric]:
        """Yield what the auditor found, and when anybody outside last heard that all is well."""
        audit = self._driver.audit
        wrong: Tally[str] = Tally(finding.what for finding in audit.findings)
        findings = GaugeMetricFamily(
            "andgate_audit_findings", "Open threats without a next step or a reason for none.", labels=["what"]
        )
        for what in get_args(What):
            findings.add_metric([what], wrong[what])
        yield findings
        yield GaugeMetricFamily(
            "andgate_audit_at", "Site time of the last look at every open threat.", value=(audit.at_ms or 0) / 1000
        )
        yield GaugeMetricFamily("andgate_audit_threats", "Open threats at that time.", value=audit.threats)
        if self._heartbeat is not None:
            yield GaugeMetricFamily(
                "andgate_heartbeat_at",
                "Site time of the last heartbeat that was answered.",
                value=(self._heartbeat.sent_ms or 0) / 1000,
            )

    def _fleet(self) -> Iterator[Metric]:
        """Yield what is wrong, and what came from whom."""
        wrong: Tally[str] = Tally(fault.kind for fault in standing(self._reader.faults(), self._clock.now_ms()))
        faults = GaugeMetricFamily("andgate_faults", "Faults of nodes, devices and feeds by kind.", labels=["kind"])
        for kind in KINDS:
            faults.add_metric([kind], wrong[kind])
        yield faults
        sent = CounterMetricFamily(
            "andgate_sender_signals",
            "What came from each sender, by what became of it.",
            labels=["kind", "sender", "result"],
        )
        rate = GaugeMetricFamily(
            "andgate_sender_messages_per_minute", "Messages in the last full minute.", labels=["kind", "sender"]
        )
        for row in self._reader.senders():
            who = [row.kind, row.name]
            sent.add_metric([*who, "accepted"], row.accepted)
            sent.add_metric([*who, "duplicate"], row.duplicates)
            sent.add_metric([*who, "quarantined"], row.quarantined)
            rate.add_metric(who, row.minute)
        yield sent
        yield rate

    def _coverage(self) -> Iterator[Metric]:
        """Yield how much of what was due today was seen."""
        zone, now_ms = self._driver.plan.site.timezone, self._clock.now_ms()
        asked = Asked(midnight_ms(now_ms, zone), None)
        seen = GaugeMetricFamily(
            "andgate_coverage", "Seen of due today, 0 to 1, by expectation.", labels=["expectation"]
        )
        blind = GaugeMetricFamily(
            "andgate_blind_seconds", "Due and not seen today, by expectation.", labels=["expectation"]
        )
        found = self._reader.coverage("expectation", asked, now_ms=now_ms, timezone=zone)
        for expectation, covered in found.items():
            if covered.share is not None:
                seen.add_metric([expectation], covered.share)
                blind.add_metric([expectation], covered.blind_ms / 1000)
        yield seen
        yield blind
