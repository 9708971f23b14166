from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cli.main import main

# Stands for a hub: says that it listens, waits for the word, and ends well when it comes.
HUB = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
print("up", flush=True)
signal.sigwait([signal.SIGHUP])
"""


def test_the_hub_of_the_folder_gets_the_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with subprocess.Popen([sys.executable, "-c", HUB, "andgate", "hub"], stdout=subprocess.PIPE, text=True) as hub:
        assert hub.stdout is not None
        assert hub.stdout.readline() == "up\n"
        (tmp_path / "hub.pid").write_text(f"{hub.pid}\n", encoding="ascii")
        assert main(["reload", "--data", str(tmp_path)]) == 0
        assert hub.wait(60) == 0
    assert f"process {hub.pid}" in capsys.readouterr().out


def test_a_folder_without_a_hub(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reload", "--data", str(tmp_path)]) == 2
    assert f"no hub is running on {tmp_path}" in capsys.readouterr().err


def test_garbage_in_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "hub.pid").write_bytes(b"\xff\n")
    assert main(["reload", "--data", str(tmp_path)]) == 2
    assert "no hub is running" in capsys.readouterr().err


def test_a_process_that_is_no_hub_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with subprocess.Popen([sys.executable, "-c", HUB], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "up\n"
        (tmp_path / "hub.pid").write_text(str(other.pid), encoding="ascii")
        assert main(["reload", "--data", str(tmp_path)]) == 2
        assert other.poll() is None
        other.kill()
    assert "no hub is running" in capsys.readouterr().err
