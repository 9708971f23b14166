"""Why a broker over TLS is not trusted, in words; `tests/hub/test_broker_tls.py` has it from a real one."""

from __future__ import annotations

import pytest

from andgate.wire.trust import distrust


class WrongError(OSError):
    """As ``ssl.SSLError`` says what is wrong."""

    def __init__(self, reason: str | None, code: int | None = None, said: str = "") -> None:
        super().__init__(1, "wrong")
        self.reason = reason
        if code is not None:
            self.verify_code, self.verify_message = code, said


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (WrongError("CERTIFICATE_VERIFY_FAILED", 10), "has expired"),
        (WrongError("CERTIFICATE_VERIFY_FAILED", 9), "set the clock"),
        (WrongError("CERTIFICATE_VERIFY_FAILED", 18), "vouches for itself only; name it with --ca"),
        (WrongError("CERTIFICATE_VERIFY_FAILED", 20), "name that authority with --ca"),
        (WrongError("CERTIFICATE_VERIFY_FAILED", 62), "for another name"),
        (WrongError("CERTIFICATE_VERIFY_FAILED", 64), "for another name"),
        (WrongError("CERTIFICATE_VERIFY_FAILED", 23, "certificate revoked"), "is not trusted (certificate revoked)"),
        (WrongError("WRONG_VERSION_NUMBER"), "speaks no TLS on that port"),
        (ConnectionResetError(104, "reset by peer"), "speaks no TLS on that port"),
        (WrongError("TLSV1_ALERT_PROTOCOL_VERSION"), "TLS fails there (tlsv1 alert protocol version)"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(wrong: OSError, words: str) -> None:
    said = distrust(wrong, ca="--ca")
    assert said is not None
    assert words in said


def test_what_has_nothing_to_do_with_tls_is_said_by_others() -> None:
    assert distrust(ConnectionRefusedError(111, "refused"), ca="--ca") is None
