"""Why a broker is not trusted, in words: what TLS says of it is made for whoever wrote TLS."""

from __future__ import annotations

_FOREIGN = "its certificate is of an authority that is not trusted here; name that authority with {ca}"
_OTHER_NAME = "its certificate is for another name; write the name that stands in it into --broker"
_WORDS = {
    9: "its certificate is not valid yet by the clock of this machine; set the clock",
    10: "its certificate has expired; renew it there",
    18: "its certificate vouches for itself only; name it with {ca}, or have an authority of your own sign it",
    19: _FOREIGN,
    20: _FOREIGN,
    21: _FOREIGN,
    62: _OTHER_NAME,
    64: _OTHER_NAME,
}
"""By OpenSSL's numbers (``X509_V_ERR_...``)."""
_PLAIN = frozenset({"WRONG_VERSION_NUMBER", "UNEXPECTED_EOF_WHILE_READING"})
"""What TLS says of somebody who speaks something else, where he does not just hang up."""
REFUSED = (
    "it ended the connection before it let us in; where it asks for a certificate, ours must be there, signed by its "
    "authority, and not expired"
)
"""What is wrong where a broker over TLS says nothing and goes: with TLS 1.3 a refused certificate looks like that."""


def distrust(wrong: OSError, *, ca: str) -> str | None:
    """Return what is wrong with a broker over TLS, and what to do about it; None where TLS has nothing to do with it.

    Args:
        wrong: what became of connecting: an ``ssl.SSLError``, or any other.
        ca: the option that names an authority to trust.
    """
    code, reason = getattr(wrong, "verify_code", None), getattr(wrong, "reason", None)
    if isinstance(wrong, ConnectionResetError) or reason in _PLAIN:
        return "it speaks no TLS on that port; mqtts:// is usually port 8883"
    if code is not None:
        said = _WORDS.get(code, f"its certificate is not trusted ({getattr(wrong, 'verify_message', code)})")
        return said.format(ca=ca)
    return None if reason is None else f"TLS fails there ({str(reason).replace('_', ' ').lower()})"
