"""The power of node, broker and hub goes at once, again and again: no press that a lamp has answered is ever missing.

Their data is on an ext4 disk that outlives the machine. What the machine had not yet flushed to it is lost with each
cut, as on a card; what it had flushed is kept, so this believes the disk. A hand presses ten buttons in turn, and what
the lamps answered is written down outside, the moment it is seen. In the end everything is compared by hand.
"""

from __future__ import annotations

import random
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from andgate.wire.codec import parse_time
from tests.hil.hall import Hall
from tests.hil.kernel import Kernel
from tests.hil.machine import Machine

NODE = "desk"
PAIRS = tuple(zip(range(4, 14), range(14, 24), strict=True))
"""Buttons and their lamps."""
EVERY_S = 0.5
EARLY_S = 0.05
"""An emulated kernel's clocks are read so far apart, at most."""
NEAR_S = 2.0
"""Presses of one button are further apart; and a press is as late as the emulation."""
PLAN = (
    """
[site]
id = "agx"
name = "Ten counters"
timezone = "Europe/Rome"
[groups.agents]
name = "Agents"
[expectations.answer]
promise = "Somebody looks up within two seconds."
touchpoints = [{names}]
opens = ["pressed"]
closes = ["reset"]
fails_after = "2s"
gives_up_after = "1s"
[nodes.{node}]
touchpoint = "counter-4"
"""
    + "".join(
        f"""
[touchpoints.counter-{button}]
name = "Counter {button}"
group = "agents"
[nodes.{NODE}.devices.mot-{button}]
touchpoint = "counter-{button}"
kind = "mot-button"
button = {button}
lamp = {lamp}
"""
        for button, lamp in PAIRS
    )
).format(node=NODE, names=", ".join(f'"counter-{button}"' for button, _ in PAIRS))


class Press(NamedTuple):
    """A press as the hand knows it: in which life of the machine, which button, when, and whether its lamp answered."""

    boot: str
    button: int
    at_s: float
    answered: bool


class Book:
    """What is written down outside of the machine."""

    def __init__(self) -> None:
        self.presses: dict[tuple[str, int], Press] = {}
        self.receipts: dict[str, set[int]] = {}
        self.unheard: list[Press] = []
        """Whose lamp had not answered when the hand went on; the machine is busy when it has just started."""

    def write(self, boot: str, said: dict[str, Any]) -> str:
        """Write down what the hand said; return what it was."""
        if "press" in said:
            self.presses[boot, said["press"]] = Press(boot, said["button"], said["at"], answered=False)
        elif "answered" in said:
            self.presses[boot, said["answered"]] = self.presses[boot, said["answered"]]._replace(answered=True)
        elif "unheard" in said:
            self.unheard.append(self.presses[boot, said["unheard"]])
        else:
            receipt = said["receipt"]
            given = self.receipts.setdefault(receipt["boot"], set())
            given.update(range(1, receipt["seq"] + 1), *(range(a, b + 1) for a, b in receipt.get("also", [])))
        return next(iter(said))


class Site:
    """The machine in all its lives, on one disk."""

    def __init__(self, kernel: Kernel, wheels: Path, folder: Path) -> None:
        self._kernel, self._wheels, self._folder = kernel, wheels, folder
        self.disk, self._plan = folder / "disk", folder / "plan.toml"
        self._plan.write_text(PLAN, encoding="utf-8")
        with self.disk.open("wb") as file:
            file.truncate(256 << 20)
        subprocess.run(["/sbin/mkfs.ext4", "-q", "-F", self.disk], check=True)
        self.machine: Machine
        self.hall: Hall
        self.boot = ""

    def start(self) -> None:
        """Give it power: the disk is mended and looked at, then everything starts at once."""
        mended = subprocess.run(["/sbin/e2fsck", "-p", self.disk], check=False, capture_output=True, text=True)
        assert mended.returncode in (0, 1), mended.stdout
        self.machine = Machine(self._kernel, self._folder, disk=self.disk, paths=(self._wheels,))
        call = self.machine.call
        call("lines:make")
        code, said = call("programs:sh", "mkdir -p /run/data && mount -t ext4 /dev/vda /run/data")
        assert code == 0, said
        for path, answer in call("disk:check", "/run/data").items():
            assert answer == "ok", (path, answer)
        call("disk:synchronise")
        self.boot = call("programs:sh", "cat /proc/sys/kernel/random/boot_id")[1].strip()
        self.hall = Hall(self.machine, self._plan)
        call("ear:listen")
        self.hall.hub()
        self.hall.node(NODE)
        call("programs:said", NODE, "armed")

    def work_until(self, book: Book, chance: random.Random) -> str:
        """Press until something happens that chance has chosen, then cut the power; return what it was."""
        what, number = chance.choice(("press", "answered", "receipt")), chance.randint(5, 25)
        for said in self.machine.each("hand:work", PAIRS, NODE, EVERY_S, chance.randrange(1 << 30)):
            number -= book.write(self.boot, said) == what
            if number <= 0:
                break
        self.machine.cut()
        return what


def of(entries: list[Any], press: Press) -> list[Any]:
    """Return the entries of the node's spool that are this press."""
    return [
        entry
        for entry in entries
        if entry["device"] == f"mot-{press.button}"
        and entry["boot"].startswith(press.boot)
        and -EARLY_S <= entry["mono"] - press.at_s < NEAR_S
    ]


def identity(entry: Any) -> str:
    """Return what the hub calls a signal of the node's."""
    return f"n/{NODE}/{entry['boot']}/{entry['seq']}"


def test_no_answered_press_is_lost_or_judged_twice_by_power_cuts(
    kernel: Kernel, wheels: Path, tmp_path: Path, pytestconfig: pytest.Config, figures: list[str]
) -> None:
    cuts, seed = pytestconfig.getoption("--cuts"), pytestconfig.getoption("--seed")
    chance, book, site = random.Random(seed), Book(), Site(kernel, wheels, tmp_path)
    site.start()
    site.hall.ready(NODE)  # with the first life comes the configuration; from then on the node needs nobody
    ends = []
    for _ in range(cuts):
        ends.append(site.work_until(book, chance))
        site.start()
    site.hall.ready(NODE)

    # Everything that waits goes to the hub, and every moment comes to its end.
    entries = [
        one for one in site.machine.call("disk:spool", f"/run/data/{NODE}", wait=True) if one["signal"] == "pressed"
    ]
    moments = site.machine.call("ear:all_ended", len(entries))
    signals = [signal for moment in moments for signal in moment["signals"] if signal["signal"] == "pressed"]
    site.machine.cut()

    # The spool has, once, each press that a lamp answered or had seconds to answer; and nothing that no finger did.
    answered = [press for press in book.presses.values() if press.answered]
    assert [press for press in answered + book.unheard if len(of(entries, press)) != 1] == []
    assert all(len(of(entries, press)) <= 1 for press in book.presses.values())
    assert len(entries) == sum(len(of(entries, press)) for press in book.presses.values())
    # The hub has each of them, once; also every one that it had given a receipt for.
    identities = sorted(identity(one) for one in entries)
    assert sorted(signal["id"] for signal in signals) == identities
    given = {identity(one) for one in entries if one["seq"] in book.receipts.get(one["boot"], ())}
    assert given <= set(identities)
    # Judged: presses of one counter are further apart than its moments are long, so each is one, kept by nobody.
    assert len(moments) == len(entries)
    assert {(one["verdict"], one["reason"], len(one["witnesses"])) for one in moments} == {
        ("failure", "never closed", 1)
    }
    for moment in moments:
        (signal,) = [one for one in moment["signals"] if one["signal"] == "pressed"]
        assert parse_time(moment["opened_at"]) == parse_time(signal["at"])
    figures.append(
        f"{cuts} power cuts (seed {seed}, just after: {', '.join(ends)}): {len(book.presses)} presses, {len(answered)} "
        f"answered by their lamps, {len(book.unheard)} not in time, {len(given)} receipted before a cut; "
        f"0 lost, 0 invented, {len(moments)} judged once"
    )
