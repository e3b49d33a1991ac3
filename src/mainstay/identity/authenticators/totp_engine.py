"""Codes of authenticator apps (RFC 6238: SHA-1, six digits, thirty seconds, as all of them have it), with pyotp."""

import hmac

import pyotp
import segno

SECONDS = 30
DRIFT = 1


def new_secret() -> str:
    """160 random bits, in base32 (RFC 4226 §4)."""
    return pyotp.random_base32()


def uri(secret: str, title: str, account: str) -> str:
    """What the picture says: `otpauth://totp/…`."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=title)


def svg(text: str) -> str:
    """The picture, as a data URI for `<img src>`; on white, as cameras need it in a dark page too."""
    return segno.make(text, error="m", micro=False).svg_data_uri(scale=4, border=4, light="#fff")


def png(text: str) -> str:
    """The same, for what shows no SVG."""
    return segno.make(text, error="m", micro=False).png_data_uri(scale=6, border=4)


def step_of(secret: str, code: str, at: float, after: int) -> int | None:
    """The time step of which this is the code, one early or late for a clock that goes wrong, and later than `after`.

    None for any other code, and for one of a step that was used, or passed (RFC 6238 §5.2).
    """
    made = pyotp.TOTP(secret)
    now = int(at) // SECONDS
    found = None
    for step in range(now - DRIFT, now + DRIFT + 1):
        same = hmac.compare_digest(made.generate_otp(step).encode(), code.encode("utf-8", "replace"))
        if same and step > after and found is None:
            found = step
    return found
