"""What a storm does to the site: deaths, hangs, cuts, full disks, clocks, and data of yesterday."""

from __future__ import annotations

import importlib.util
import shutil
import signal
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults.life import Life
from tests.faults.parts import CLOCK, NodePart, Part, andgate
from tests.faults.site import HUB

if TYPE_CHECKING:
    from tests.faults.storm import Storm


ENDED_S = 8.0
"""What ended because of a full disk has ended by then, on slow machines too."""
COMMAND = importlib.util.find_spec("cli.backup") is not None


class Deaths:
    """Everything that can go wrong, by its name."""

    def __init__(self, storm: Storm, life: Life) -> None:
        self.storm, self.life = storm, life

    def draw(self) -> Callable[[], None]:
        """Draw one, more of some kinds than of others."""
        kinds: list[tuple[int, Callable[[], None]]] = [
            (5, self.kill_hub),
            (3, lambda: self.aimed(self.storm.hub)),
            (2, lambda: self.aimed(self.storm.broker)),
            (2, self.term_hub),
            (2, lambda: self.hang(self.storm.hub, 3.0)),
            (1, lambda: self.hang(self.storm.broker, 3.0)),
            (4, self.kill_broker),
            (4, self.kill_node),
            (2, self.cut_power),
            (1, self.term_node),
            (1, self.wipe_node),
            (1, self.step_clock),
            (1, self.contradict),
            (1, self.life.burst),
            (1, self.restore_hub),
        ]
        if self.storm.namespace:
            kinds += [(7, self.cut), (2, self.fill_hub), (2, self.fill_node), (1, self.hub_read_only)]
        return self.storm.random.choices([do for _, do in kinds], [weight for weight, _ in kinds])[0]

    def kill_hub(self) -> None:
        """The hub dies."""
        self.storm.kill("hub")

    def kill_broker(self) -> None:
        """The broker dies, and all it knew."""
        self.storm.kill("broker")

    def aimed(self, part: Part) -> None:
        """Something dies while a press is on its way through it."""
        node = self.storm.nodes[self.storm.random.choice(["desk-a1", "desk-a2"])]
        self.life.touch(node)
        self.storm.pause.wait(self.storm.random.uniform(0.0, 0.06))
        self.storm.kill(part.name, "with a press in its hands")

    def _some_node(self) -> NodePart:
        return self.storm.random.choice(list(self.storm.nodes.values()))

    def kill_node(self) -> None:
        """A node's program dies, perhaps with a press in its hands."""
        node = self._some_node()
        if self.storm.random.random() < 0.6:
            self.life.touch(node)
            self.storm.pause.wait(self.storm.random.uniform(0.0, 0.08))
        self.storm.kill(node.name)

    def cut_power(self) -> None:
        """A node loses its power; when it is back its monotonic clock is a new one, and perhaps it is 1970."""
        node = self._some_node()
        if self.storm.kill(node.name, "power cut"):
            draw = self.storm.random
            synced = draw.random() < 0.5
            node.power(
                self.storm.new_boot(),
                age_s=draw.choice([2.0, 30.0, 3600.0]),
                drift_ppm=draw.uniform(-80, 80),
                synced=synced,
                skew_s=0.0 if synced else draw.choice([-1.7e9, -3600.0, 600.0]),
            )
            self.storm.counts["power cuts"] += 1

    def wipe_node(self) -> None:
        """A node's card is lost, and with it what it had not delivered."""
        node = self._some_node()
        if self.storm.kill(node.name, "and its spool is wiped"):
            self.storm.wipes.append((CLOCK.now_ms(), node.name))
            node.wipe()
            self.storm.counts["spools wiped"] += 1

    def _term(self, name: str) -> None:
        part = self.storm.parts[name]
        if part.runs and part.up is part.process and name not in self.storm.terms:
            self.storm.note(f"SIGTERM {name}")
            self.storm.counts[f"term {'node' if name in self.storm.nodes else name}"] += 1
            self.storm.terms[name] = self.storm.now_s
            self.storm.parts[name].send(signal.SIGTERM)

    def term_hub(self) -> None:
        """The hub is told to end."""
        self._term("hub")

    def term_node(self) -> None:
        """A node is told to end."""
        self._term(self._some_node().name)

    def hang(self, part: Part, most_s: float) -> None:
        """Something stands still for a while; its connections stay."""
        if part.runs and part.name not in self.storm.hung:
            self.storm.note(f"{part.name} hangs")
            self.storm.counts[f"hangs {part.name}"] += 1
            self.storm.hung.add(part.name)
            part.send(signal.SIGSTOP)
            self.storm.after(0.1, most_s, lambda: self._go_on(part))

    def _go_on(self, part: Part) -> None:
        self.storm.hung.discard(part.name)
        part.send(signal.SIGCONT)
        self.storm.note(f"{part.name} goes on")

    # ------------------------------------------------------------------------------------------ network, disks, clocks

    def cut(self) -> None:
        """A cable is cut, a switch resets connections, a Wi-Fi loses a third of what is said."""
        who, address = self.storm.random.choice(
            [("hub", HUB), ("hub", HUB), *((node.name, node.desk.address) for node in self.storm.nodes.values())]
        )
        mode = self.storm.random.choice(["drop", "drop", "reject", "loss"])
        if address in self.storm.network.cuts:
            return
        self.storm.note(f"partition of {who}: {mode}")
        self.storm.counts[f"partition {mode}"] += 1
        self.storm.network.cut(address, mode)
        # Most are short; some are longer than every keepalive, so that both sides give the connection up.
        shortest_s, longest_s = (25.0, 50.0) if self.storm.random.random() < 0.15 else (0.3, 8.0)
        self.storm.after(shortest_s, longest_s, lambda: self._mend(who, address))

    def _mend(self, who: str, address: str) -> None:
        self.storm.note(f"{who} is reached again")
        self.storm.network.mend(address)

    def _fill(self, name: str) -> None:
        self.storm.note(f"disk of {name} is full")
        self.storm.counts[f"disk full {'node' if name in self.storm.nodes else name}"] += 1
        self.storm.full[name] += 1
        self.storm.disks[name].fill()
        self.storm.after(0.3, 4.0, lambda: self._free(name))

    def _free(self, name: str) -> None:
        self.storm.note(f"room on the disk of {name}")
        self.storm.disks[name].free()
        self.storm.after(ENDED_S, ENDED_S, lambda: self._roomy(name))

    def _roomy(self, name: str) -> None:
        self.storm.full[name] -= 1

    def fill_hub(self) -> None:
        """The hub's disk is full for a while."""
        self._fill("hub")

    def fill_node(self) -> None:
        """A node's card is full for a while."""
        self._fill(self._some_node().name)

    def hub_read_only(self) -> None:
        """After a power cut the kernel gives the hub's disk back read-only, until somebody mends it."""
        if self.storm.kill("hub") and self.storm.disks["hub"].remount("ro"):
            self.storm.note("disk of the hub is read-only")
            self.storm.counts["read-only"] += 1
            self.storm.full["hub"] += 1
            self.storm.after(0.5, 4.0, self._writable)

    def _writable(self) -> None:
        self.storm.disks["hub"].remount("rw")
        self.storm.disks["hub"].free()
        self.storm.note("disk of the hub can be written")
        self.storm.after(ENDED_S, ENDED_S, lambda: self._roomy("hub"))

    def step_clock(self) -> None:
        """A node's own UTC jumps."""
        node = self._some_node()
        by_s = self.storm.random.choice([-3600.0, 7200.0, 0.4, -0.4, 1.7e9])
        self.storm.note(f"clock of {node.name} steps by {by_s} s")
        self.storm.counts["clock steps"] += 1
        node.tell(f"step {by_s}")

    def contradict(self) -> None:
        """Somebody says a number again that is receipted, with another body."""
        numbering, spans = self.storm.random.choice(list(self.storm.pager.receipts.items()) or [("", [])])
        node = next((node for node in self.storm.nodes.values() if numbering.split(".")[0] in node.boots), None)
        if node is not None and spans and not self.storm.restores:  # an older hub would not know the number
            _, low, high = self.storm.random.choice(spans)
            seq = self.storm.random.randint(low, high)
            body = {"device": "mot", "signal": "reset", "seq": seq, "boot": numbering, "mono": 1.0}
            if seq:
                self.storm.note(f"{numbering} {seq} is said with another body")
                self.storm.counts["contradictions"] += 1
                self.storm.mqtt.say(f"node/{node.name}/signal", body)

    # ------------------------------------------------------------------------------------------ backups

    def back_up(self) -> None:
        """Take a copy of the hub's data as it is, with the command for it or as an administrator would by hand."""
        now_ms, number = CLOCK.now_ms(), len(self.storm.backups) + 1
        by_command = self.storm.random.random() < 0.5 and COMMAND
        path = self.storm.folder / f"backup-{number}.{'andgate' if by_command else 'db'}"
        if by_command:
            threading.Thread(target=self._back_up, args=(now_ms, path), daemon=True).start()
            return
        try:
            with (
                closing(sqlite3.connect(f"file:{self.storm.hub.data}/andgate.db?mode=ro", uri=True)) as live,
                closing(sqlite3.connect(path)) as copy,
            ):
                live.backup(copy)
        except sqlite3.Error as wrong:
            self.storm.note(f"no copy: {wrong}")
            return
        self.storm.note("copy of the hub's database")
        self.storm.backups.append((now_ms, path))

    def _back_up(self, now_ms: int, path: Path) -> None:
        done = andgate("backup", "--data", str(self.storm.hub.data), "--to", str(path))
        if done.returncode == 0:
            self.storm.note("backup of the hub")
            self.storm.backups.append((now_ms, path))
        else:
            self.storm.note(f"no backup: {done.stderr}")

    def restore_hub(self) -> None:
        """The hub's machine is replaced: older data, which nodes learn by a new epoch."""
        if not self.storm.backups or +self.storm.full or not self.storm.kill("hub", "and restored from older data"):
            return
        of_ms, path = self.storm.random.choice(self.storm.backups)
        data = self.storm.hub.data
        if path.suffix == ".andgate":
            shutil.rmtree(data)
            done = andgate("restore", "--from", str(path), "--data", str(data))
            if done.returncode != 0:
                self.storm.wrongs.append(f"andgate restore: {done.stdout}{done.stderr}")
        else:
            if self.storm.random.random() < 0.5:
                shutil.rmtree(data)
                data.mkdir()
            for name in ("andgate.db", "andgate.db-wal", "andgate.db-shm"):
                (data / name).unlink(missing_ok=True)
            shutil.copy(path, data / "andgate.db")
        self.storm.restores.append((CLOCK.now_ms(), of_ms))
        self.storm.counts[f"restores by {'command' if path.suffix == '.andgate' else 'hand'}"] += 1
