"""The spool: numbers, receipts, seven days, a full disk, and kill -9."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from andgate.errors import UsageError
from andgate.wire.messages import Receipt
from edge.spool import KEEP_MS, Entry, Spool, Write
from edge.spool.file import SpoolFile


def body(boot: str, seq: int) -> bytes:
    return f"{boot}#{seq}".encode()


def fill(spool: Spool, count: int) -> list[Entry]:
    writes: list[Write] = [body] * count
    return spool.append(writes)


def numbers(entries: list[Entry]) -> list[int]:
    return [entry.seq for entry in entries]


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", "kernel")


def test_numbers_begin_at_one_and_go_on_after_a_start(tmp_path: Path) -> None:
    first = Spool(tmp_path, "kernel")
    assert numbers(fill(first, 2)) == [1, 2]
    boot = first.boot
    first.close()
    again = Spool(tmp_path, "kernel")
    assert (again.boot, numbers(fill(again, 1))) == (boot, [3])
    assert [entry.body for entry in again.waiting(9)] == [body(boot, seq) for seq in (1, 2, 3)]
    again.close()
    other = Spool(tmp_path, "next-kernel")
    assert other.boot != boot
    assert numbers(fill(other, 1)) == [1]
    assert numbers(other.waiting(9)) == [1, 2, 3, 1]


def test_two_spools_never_share_a_numbering(tmp_path: Path) -> None:
    assert Spool(tmp_path / "a", "kernel").boot != Spool(tmp_path / "b", "kernel").boot


def test_only_a_receipt_frees(spool: Spool) -> None:
    fill(spool, 6)
    assert spool.receipt(Receipt(boot=spool.boot, seq=2, also=[(4, 5)]), 0) == 4
    assert numbers(spool.waiting(9)) == [3, 6]
    assert spool.receipt(Receipt(boot=spool.boot, seq=2, also=[(4, 5)]), 0) == 0
    assert spool.receipt(Receipt(boot="another", seq=99), 0) == 0
    assert spool.depth == 2


def test_a_receipt_for_everything_under_the_sun_frees_everything_here(spool: Spool) -> None:
    fill(spool, 3)
    assert spool.receipt(Receipt(boot=spool.boot, seq=2**80), 0) == 3


def test_receipted_ones_are_kept_seven_days_for_a_new_epoch(spool: Spool) -> None:
    fill(spool, 3)
    spool.receipt(Receipt(boot=spool.boot, seq=3), 1000)
    assert spool.purge(1000 + KEEP_MS) == 0
    assert spool.requeue() == 3
    assert spool.depth == 3
    spool.receipt(Receipt(boot=spool.boot, seq=3), 1000)
    assert spool.purge(1001 + KEEP_MS) == 2
    assert spool.missing(spool.boot, 1, 5) == [(1, 2), (4, 5)]
    assert spool.requeue(spool.boot, 1, 3) == 1


def test_numbers_are_never_used_twice_after_a_purge(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "kernel")
    fill(spool, 5)
    spool.receipt(Receipt(boot=spool.boot, seq=5), 0)
    spool.purge(KEEP_MS + 1)
    spool.close()
    assert numbers(fill(Spool(tmp_path, "kernel"), 1)) == [6]


def test_facts_are_kept(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "kernel")
    assert spool.fact("config") is None
    commits = spool.commits
    spool.keep("config", b"{}")
    spool.keep("config", b"{}")
    assert spool.commits == commits + 1
    spool.close()
    assert Spool(tmp_path, "kernel").fact("config") == b"{}"


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="ascii")
    with pytest.raises(UsageError, match="Choose another with --data"):
        Spool(tmp_path / "file", "kernel")


class Full:
    """A connection to a disk that is full."""

    def __init__(self, base: sqlite3.Connection) -> None:
        self.base = base
        self.full = False

    def executemany(self, statement: str, rows: object) -> object:
        if self.full:
            raise sqlite3.OperationalError("database or disk is full")
        return self.base.executemany(statement, rows)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> object:
        return getattr(self.base, name)


def test_a_full_disk_is_survived_in_memory_under_numbers_of_its_own(spool: Spool) -> None:
    durable = spool.boot
    fill(spool, 2)
    disk = Full(spool._base)
    spool._base = disk  # type: ignore[assignment]
    disk.full = True
    loose = fill(spool, 2)
    assert numbers(loose) == [1, 2]
    assert loose[0].boot == spool.boot != durable
    assert loose[1].body == body(spool.boot, 2)
    assert "disk is full" in str(spool.trouble)
    assert spool.depth == 4
    assert numbers(spool.waiting(9)) == [1, 2, 1, 2]
    assert numbers(spool.waiting(2, skip=1)) == [2, 1]
    assert numbers(spool.waiting(2, skip=3)) == [2]
    spool.keep("config", b"{}")  # says so in `trouble`, and goes on
    spool.requeue()
    disk.full = False
    assert numbers(fill(spool, 1)) == [3]
    assert spool.boot == durable
    assert spool.missing(loose[0].boot, 1, 3) == [(3, 3)]
    assert spool.receipt(Receipt(boot=loose[0].boot, seq=2), 0) == 2
    assert not spool.trouble
    assert numbers(spool.waiting(9)) == [1, 2, 3]


@pytest.mark.parametrize("room", [False, True], ids=["still full", "room again"])
def test_what_is_receipted_before_the_disk_took_it_is_kept_for_a_new_epoch(tmp_path: Path, *, room: bool) -> None:
    spool = Spool(tmp_path, "kernel")
    fill(spool, 1)
    disk = Full(spool._base)
    spool._base = disk  # type: ignore[assignment]
    disk.full = True
    loose = fill(spool, 3)
    assert spool.receipt(Receipt(boot=loose[0].boot, seq=2), 5) == 2
    assert numbers(spool.waiting(9)) == [1, 3]
    assert spool.missing(loose[0].boot, 1, 3) == []
    if room:
        disk.full = False
        assert spool.mend()
        spool.close()
        spool = Spool(tmp_path, "kernel")
    assert numbers(spool.waiting(9)) == [1, 3]
    assert spool.requeue() == 2
    assert sorted(numbers(spool.waiting(9))) == [1, 1, 2, 3]
    assert spool.receipt(Receipt(boot=loose[0].boot, seq=3), 6) == 3
    assert numbers(spool.waiting(9)) == [1]


def test_a_new_epoch_on_a_full_disk_is_asked_for_again(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "kernel")
    assert spool.begin_epoch("e1") == 0
    fill(spool, 3)
    spool.receipt(Receipt(boot=spool.boot, seq=3), 5)
    disk = Full(spool._base)
    spool._base = disk  # type: ignore[assignment]
    disk.full = True
    loose = fill(spool, 2)
    spool.receipt(Receipt(boot=loose[0].boot, seq=2), 5)
    assert spool.begin_epoch("e2") is None
    assert (spool.fact("epoch"), numbers(spool.waiting(9))) == (b"e1", [1, 2])
    disk.full = False
    assert spool.mend()
    assert spool.begin_epoch("e2") == 3
    assert (spool.fact("epoch"), sorted(numbers(spool.waiting(9)))) == (b"e2", [1, 1, 2, 2, 3])


def test_a_new_epoch_of_while_the_disk_was_read_only_asks_the_disk_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path, "kernel")
    assert spool.begin_epoch("e1") == 0
    fill(spool, 3)
    spool.receipt(Receipt(boot=spool.boot, seq=3), 5)
    spool.close()
    whole = SpoolFile.open

    def refuse(_: SpoolFile) -> sqlite3.Connection:
        raise sqlite3.OperationalError("attempt to write a readonly database")

    monkeypatch.setattr(SpoolFile, "open", refuse)
    monkeypatch.setattr(SpoolFile, "_unwritable", lambda _: True)
    spool = Spool(tmp_path, "kernel")
    assert spool.begin_epoch("e2") == 3
    monkeypatch.setattr(SpoolFile, "open", whole)
    assert spool.mend()
    assert numbers(spool.waiting(9)) == [1, 2, 3]
    spool.close()


def test_a_full_disk_first_gives_up_what_is_receipted(spool: Spool) -> None:
    fill(spool, 3)
    spool.receipt(Receipt(boot=spool.boot, seq=3), 0)
    disk = Full(spool._base)
    spool._base = disk  # type: ignore[assignment]

    class Once(Full):
        def executemany(self, statement: str, rows: object) -> object:
            if statement.startswith("insert into entry") and spool.missing(spool.boot, 1, 2) == []:
                raise sqlite3.OperationalError("database or disk is full")
            return super().executemany(statement, rows)

    spool._base = Once(disk.base)  # type: ignore[assignment]
    assert numbers(fill(spool, 1)) == [4]
    assert spool.trouble is None


PROGRAM = """
import sys
from pathlib import Path
from edge.spool import Spool
spool = Spool(Path(sys.argv[1]), "kernel")
while True:
    for entry in spool.append([lambda boot, seq: b"x" * 200] * 3):
        print(entry.seq, flush=True)
"""


def test_kill_9_loses_nothing_that_was_taken(tmp_path: Path) -> None:
    taken: list[int] = []
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", PROGRAM, tmp_path], stdout=subprocess.PIPE, text=True) as program:
            assert program.stdout is not None
            taken += [int(program.stdout.readline()) for _ in range(40)]
            program.send_signal(signal.SIGKILL)
            taken += [int(line) for line in program.stdout if line.endswith("\n")]
    spool = Spool(tmp_path, "kernel")
    assert set(taken) <= set(numbers(spool.waiting(100_000)))
    assert len(taken) == len(set(taken))
    spool.close()
