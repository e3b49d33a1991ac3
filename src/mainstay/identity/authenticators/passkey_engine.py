"""Passkeys (Web Authentication Level 3), with py_webauthn."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from mainstay.identity.authenticators.errors import PasskeyRefused
from mainstay.identity.options import FactorOptions

Verification = Literal["required", "preferred", "discouraged"]
MINUTES_5 = 300_000
TRANSPORTS = frozenset(each.value for each in AuthenticatorTransport)


@dataclass(frozen=True, slots=True)
class Registered:
    """A new passkey."""

    credential_id: str
    public_key: str
    sign_count: int
    aaguid: str
    synced: bool
    verified: bool
    transports: list[str]


@dataclass(frozen=True, slots=True)
class Asserted:
    """A passkey that was used just now. `verified`: it asked its owner for a PIN or a finger."""

    sign_count: int
    synced: bool
    verified: bool


def registration(
    options: FactorOptions,
    challenge: bytes,
    handle: bytes,
    name: str,
    shown: str,
    known: Sequence[tuple[str, list[str]]],
) -> dict[str, Any]:
    """What `navigator.credentials.create` takes. `known` are the user's own: one authenticator holds one of them."""
    made = generate_registration_options(
        rp_id=_rp(options),
        rp_name=options.title,
        user_id=handle,
        user_name=name,
        user_display_name=shown,
        challenge=challenge,
        timeout=MINUTES_5,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement(options.verification),
        ),
        exclude_credentials=[_descriptor(*each) for each in known],
    )
    return _plain(made)


def request(
    options: FactorOptions,
    challenge: bytes,
    known: Sequence[tuple[str, list[str]]],
    verification: Verification,
) -> dict[str, Any]:
    """What `navigator.credentials.get` takes. Without `known` the authenticator offers what it holds for this site."""
    made = generate_authentication_options(
        rp_id=_rp(options),
        challenge=challenge,
        timeout=MINUTES_5,
        allow_credentials=[_descriptor(*each) for each in known],
        user_verification=UserVerificationRequirement(verification),
    )
    return _plain(made)


def verify_registration(options: FactorOptions, challenge: bytes, credential: Mapping[str, Any]) -> Registered:
    """Raises PasskeyRefused."""
    try:
        _of_this_page(credential)
        made = verify_registration_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=_rp(options),
            expected_origin=list(options.origins),
            require_user_verification=options.verification == "required",
        )
    except Exception as refused:  # whatever a stranger's bytes do to a parser
        raise PasskeyRefused(_why(refused)) from None
    told = credential.get("response", {}).get("transports") or []
    return Registered(
        _spelt(made.credential_id),
        _spelt(made.credential_public_key),
        made.sign_count,
        made.aaguid,
        made.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
        made.user_verified,
        sorted({each for each in told if each in TRANSPORTS}),
    )


def verify_assertion(
    options: FactorOptions, challenge: bytes, credential: Mapping[str, Any], public_key: str, *, verified: bool
) -> Asserted:
    """Raises PasskeyRefused. The count is for the caller to compare: it means something once the signature holds."""
    try:
        _of_this_page(credential)
        made = verify_authentication_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=_rp(options),
            expected_origin=list(options.origins),
            credential_public_key=base64url_to_bytes(public_key),
            credential_current_sign_count=0,
            require_user_verification=verified,
        )
    except Exception as refused:  # whatever a stranger's bytes do to a parser
        raise PasskeyRefused(_why(refused)) from None
    synced = made.credential_device_type is CredentialDeviceType.MULTI_DEVICE
    return Asserted(made.new_sign_count, synced, made.user_verified)


def handle_of(credential: Mapping[str, Any]) -> bytes | None:
    """The user handle that the authenticator sent along, if it did."""
    told = credential.get("response", {}).get("userHandle")
    try:
        return base64url_to_bytes(told) if isinstance(told, str) and told else None
    except (binascii.Error, ValueError):
        return None


def _of_this_page(credential: Mapping[str, Any]) -> None:
    # py_webauthn does not look at it: a page within a page of somebody else's, where clicks can be stolen.
    told = json.loads(base64url_to_bytes(credential["response"]["clientDataJSON"]))
    if told.get("crossOrigin") or told.get("topOrigin") is not None:
        raise ValueError("it was asked for within a page of another site")


def _rp(options: FactorOptions) -> str:
    if options.rp_id is None:
        raise PasskeyRefused("there is no rp_id")
    return options.rp_id


def _descriptor(credential_id: str, transports: Sequence[str]) -> PublicKeyCredentialDescriptor:
    ways = [AuthenticatorTransport(each) for each in transports if each in TRANSPORTS]
    return PublicKeyCredentialDescriptor(id=base64url_to_bytes(credential_id), transports=ways or None)


def _plain(made: Any) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(options_to_json(made))
    return plain


def _spelt(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _why(refused: Exception) -> str:
    return str(refused)[:200].replace("\n", " ") or type(refused).__name__
