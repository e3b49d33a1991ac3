"""Tokens that must never be accepted: each form with a name, made beside one honest token of a running app."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc import jwe, jws
from joserfc.jwk import ECKey, OctKey, RSAKey

from mainstay.identity.jose.strict import ORDER
from mainstay.identity.signing.signing_key import SigningKey

RSA = RSAKey.generate_key(2048)
ATTACKER = SigningKey.generate()


def b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def unb64(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def spell(value: Any) -> str:
    return b64(value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode())


@dataclass
class Forger:
    """What somebody who stole the signing key could make, for a session that stands; and what anybody could."""

    key: SigningKey
    gone: SigningKey  # a key that verifies no more
    revoked: SigningKey
    honest: dict[str, Any]  # the claims of the honest token
    other_user: UUID
    other_session: UUID
    refresh_token: str

    def header(self, **changes: Any) -> dict[str, Any]:
        base = {"alg": "ES256", "typ": "at+jwt", "kid": self.key.kid} | changes
        return {name: value for name, value in base.items() if value is not ...}

    def claims(self, **changes: Any) -> dict[str, Any]:
        return {name: value for name, value in (self.honest | changes).items() if value is not ...}

    def signed(self, head: Any, body: Any, key: SigningKey | None = None, *, low: bool = True) -> str:
        """Really signed with the key, whatever the header says."""
        text = f"{spell(head)}.{spell(body)}"
        signature = jws.JWSRegistry.algorithms["ES256"].sign(text.encode(), (key or self.key).pair)
        r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
        s = min(s, ORDER - s) if low else max(s, ORDER - s)
        return f"{text}.{b64(r.to_bytes(32) + s.to_bytes(32))}"

    def good(self) -> str:
        return self.signed(self.header(), self.claims())

    def hmac(self, head: dict[str, Any], secret: bytes, digest: Any = hashlib.sha256) -> str:
        text = f"{spell(head)}.{spell(self.claims())}"
        return f"{text}.{b64(hmac.digest(secret, text.encode(), digest))}"


def forms(f: Forger) -> dict[str, str]:
    """Every form, by what is wrong with it."""
    made: dict[str, str] = {}
    for family in (_algorithms, _brought_keys, _kids, _headers, _types, _claims, _times, _bytes, _signatures, _others):
        for name, token in family(f):
            assert name not in made, name
            made[name] = token
    return made


def _algorithms(f: Forger) -> Iterator[tuple[str, str]]:
    _, body, signature = f.good().split(".")
    for name in ("none", "None", "NONE", "nOnE"):
        yield f"alg {name}, no signature", f"{spell(f.header(alg=name))}.{body}."
        yield f"alg {name} with the old signature", f"{spell(f.header(alg=name))}.{body}.{signature}"
    changed: tuple[Any, ...] = (
        ...,
        None,
        ["ES256"],
        "",
        "es256",
        "ES384",
        "ES512",
        "ES256K",
        "Ed25519",
        "EdDSA",
        "PS256",
    )
    for value in changed:
        yield f"alg {value!r} over an honest signature", f.signed(f.header(alg=value), f.claims())
    public = f.key.public()
    for name, secret in {
        "the public PEM": f.key.pair.as_pem(private=False),
        "the public DER": f.key.pair.as_der(private=False),
        "the public JWK": json.dumps(public).encode(),
        "x": unb64(public["x"]),
        "nothing": b"",
        "the kid": f.key.kid.encode(),
    }.items():
        yield f"HS256 keyed with {name}", f.hmac(f.header(alg="HS256"), secret)
        yield f"HMAC keyed with {name} under the name of ES256", f.hmac(f.header(), secret)
    yield "HS512 keyed with the public PEM", f.hmac(f.header(alg="HS512"), f.key.pair.as_pem(private=False), "sha512")
    yield (
        "RS256 of another key",
        jws.serialize_compact(f.header(alg="RS256"), json.dumps(f.claims()).encode(), RSA, algorithms=["RS256"]),
    )


def _brought_keys(f: Forger) -> Iterator[tuple[str, str]]:
    mine = ATTACKER.public()
    yield "jwk of the attacker", f.signed(f.header(jwk=mine), f.claims(), ATTACKER)
    yield "jwk of the attacker, and no kid", f.signed(f.header(kid=..., jwk=mine), f.claims(), ATTACKER)
    yield "jwk and kid of the attacker", f.signed(f.header(kid=ATTACKER.kid, jwk=mine), f.claims(), ATTACKER)
    yield "jwk of ours beside an honest signature", f.signed(f.header(jwk=f.key.public()), f.claims())
    for name, value in {
        "jku": "https://evil.example/jwks.json",
        "x5u": "https://evil.example/cert.pem",
        "x5c": ["MIIB"],
        "x5t": "AAAA",
    }.items():
        yield f"{name} of the attacker", f.signed(f.header(**{name: value}), f.claims(), ATTACKER)
        yield f"{name} beside an honest signature", f.signed(f.header(**{name: value}), f.claims())


def _kids(f: Forger) -> Iterator[tuple[str, str]]:
    wrong: dict[str, Any] = {
        "missing": ...,
        "null": None,
        "a number": 1,
        "an object": {"kid": f.key.kid},
        "a list": [f.key.kid],
        "empty": "",
        "unknown": "nobody",
        "a path": "../../../../dev/null",
        "a file": "file:///etc/passwd",
        "SQL": "' OR '1'='1",
        "SQL that selects": f"x' UNION SELECT '{f.key.kid}' --",
        "with a blank after it": f.key.kid + " ",
        "in capitals": f.key.kid.upper(),
        "with NUL": f.key.kid + "\x00",
        "very long": "k" * 2000,
    }
    for name, kid in wrong.items():
        yield f"kid {name}", f.signed(f.header(kid=kid), f.claims())
    yield "kid a path, keyed with the empty file", f.hmac(f.header(alg="HS256", kid="../../dev/null"), b"")
    yield "our kid, the attacker's signature", f.signed(f.header(), f.claims(), ATTACKER)
    yield "the attacker's kid and signature", f.signed(f.header(kid=ATTACKER.kid), f.claims(), ATTACKER)
    yield "a key that verifies no more", f.signed(f.header(kid=f.gone.kid), f.claims(), f.gone)
    yield "a revoked key", f.signed(f.header(kid=f.revoked.kid), f.claims(), f.revoked)
    yield "our kid, a revoked key's signature", f.signed(f.header(), f.claims(), f.revoked)
    yield "a revoked key's kid, our signature", f.signed(f.header(kid=f.revoked.kid), f.claims())


def _headers(f: Forger) -> Iterator[tuple[str, str]]:
    extra: dict[str, dict[str, Any]] = {
        "crit": {"crit": ["exp"], "exp": f.honest["exp"]},
        "crit empty": {"crit": []},
        "crit of something unknown": {"crit": ["x"], "x": 1},
        "b64 false": {"b64": False, "crit": ["b64"]},
        "b64 false without crit": {"b64": False},
        "cty JWT": {"cty": "JWT"},
        "zip": {"zip": "DEF"},
        "an extra header": {"hello": "you"},
        "the issuer in the header": {"iss": f.honest["iss"]},
    }
    for name, changes in extra.items():
        yield name, f.signed(f.header(**changes), f.claims())
    head = json.dumps(f.header(), separators=(",", ":"))
    spellings: dict[str, Any] = {
        "header a list": ["ES256"],
        "header null": None,
        "header a string": "ES256",
        "header not JSON": b"{alg:ES256}",
        "header with alg twice": head.replace("{", '{"alg":"none",', 1).encode(),
        "header with kid twice": head.replace("{", '{"kid":"nobody",', 1).encode(),
        "header with blanks": json.dumps(f.header()).encode(),
        "header in another order": {name: f.header()[name] for name in ("typ", "kid", "alg")},
        "header with a byte order mark": b"\xef\xbb\xbf" + head.encode(),
        "header with an escaped letter": head.replace("alg", "\\u0061lg").encode(),
        "header nested too deeply": b"[" * 1400,
        "header not UTF-8": head.encode() + b"\xff",
    }
    for name, value in spellings.items():
        yield name, f.signed(value, f.claims())


def _types(f: Forger) -> Iterator[tuple[str, str]]:
    for kind in (
        ...,
        None,
        "",
        "JWT",
        "jwt",
        "id+jwt",
        "logout+jwt",
        "AT+JWT",
        "application/at+jwt",
        "at+jwt ",
        "JOSE",
        1,
    ):
        yield f"typ {kind!r}", f.signed(f.header(typ=kind), f.claims())
    identity = f.claims(aud="some-client", nonce="n", at_hash="h", tid=..., sid=...)
    yield "an id token", f.signed(f.header(typ="JWT"), identity)
    yield "an id token under our type", f.signed(f.header(), identity)


def _claims(f: Forger) -> Iterator[tuple[str, str]]:
    ours, user = f.honest["iss"], f.honest["sub"]
    wrong: dict[str, tuple[Any, ...]] = {
        "iss": ("https://evil.example", ..., None, "", [ours], ours + "/", ours.upper(), {"iss": ours}),
        "aud": ("billing", ..., None, "", [], ["mainstay"], ["mainstay", "billing"], ["billing"], {"aud": "mainstay"}),
        "sub": (
            ...,
            None,
            1,
            "",
            "admin",
            [user],
            str(f.other_user),
            user.upper(),
            "{" + user + "}",
            user + " ",
            "urn:uuid:" + user,
            user + "\x00",
            "'; --",
        ),
        "sid": (..., None, 1, "", "*", str(UUID(int=1)), str(f.other_session), [f.honest["sid"]]),
        "tid": (..., None, 1, "", "default", str(UUID(int=1)), str(f.other_user)),
        "jti": (..., None, 1, ["j"]),
        "scope": (["admin:write"], 1, {"admin": True}, None),
        "amr": ("mfa", None, 1),
        "auth_time": ("now", True, None),
        "act": ("admin", None, []),
        "client_id": (1, None),
        "gen": ("0", None, True, 0.0),
    }
    for name, values in wrong.items():
        for value in values:
            yield f"{name} {value!r}", f.signed(f.header(), f.claims(**{name: value}))
    body = json.dumps(f.claims(), separators=(",", ":"))
    spellings: dict[str, bytes] = {
        "claims a list": b"[1]",
        "claims null": b"null",
        "claims a string": b'"admin"',
        "claims not JSON": b"not json",
        "claims empty": b"{}",
        "no claims": b"",
        "claims with sub twice": body.replace("{", f'{{"sub":"{f.other_user}",', 1).encode(),
        "claims with exp twice": body.replace("{", '{"exp":99999999999,', 1).encode(),
        "claims with scope twice": body.replace("{", '{"scope":"a","scope":"b",', 1).encode(),
        "claims with sub twice, once escaped": body.replace("{", f'{{"\\u0073ub":"{f.other_user}",', 1).encode(),
        "claims with something after them": body.encode() + b"{}",
        "claims not UTF-8": body.encode()[:-1] + b',"a":"\xff"}',
        "claims with a byte order mark": b"\xef\xbb\xbf" + body.encode(),
        "claims in UTF-16": body.encode("utf-16"),
    }
    for name, value in spellings.items():
        yield name, f.signed(f.header(), value)


def _times(f: Forger) -> Iterator[tuple[str, str]]:
    now = f.honest["iat"]
    wrong: dict[str, tuple[Any, ...]] = {
        "exp": (now - 1, now, ..., None, str(now + 600), now + 600.5, True, 0, -1, 10**30, [now + 600], "\u0661\u0669"),
        "nbf": (now + 60, ..., None, str(now), now + 0.5, True),
        "iat": (now + 60, ..., None, str(now), now + 0.5, True),
    }
    for name, values in wrong.items():
        for value in values:
            shown = f"now{value - now:+}" if type(value) is int and abs(value - now) < 10_000 else repr(value)
            yield f"{name} {shown}", f.signed(f.header(), f.claims(**{name: value}))
    body = json.dumps(f.claims(), separators=(",", ":"))
    for name, number in {
        "NaN": "NaN",
        "infinite": "Infinity",
        "a power": "9e9",
        "in Arabic digits": "\u0669" * 10,
        "in full-width digits": "\uff19" * 10,
        "of 5,000 digits": "9" * 2500,
    }.items():
        yield f"exp {name}", f.signed(f.header(), body.replace(f'"exp":{f.honest["exp"]}', f'"exp":{number}').encode())


def _bytes(f: Forger) -> Iterator[tuple[str, str]]:
    good = f.good()
    head, body, signature = good.split(".")
    spare = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    yield "one part", head
    yield "two parts", f"{head}.{body}"
    yield "two parts and a dot", f"{head}.{body}."
    yield "four parts", f"{good}.x"
    yield "five parts, as encrypted tokens have", f"{good}.x.y"
    yield "dots alone", "..."
    yield "the body missing", f"{head}..{signature}"
    yield "the header missing", f".{body}.{signature}"
    yield "cut short by one", good[:-1]
    yield "cut short by half", good[: len(good) // 2]
    for name, part in (("header", 0), ("body", 1), ("signature", 2)):
        parts = good.split(".")
        yield (
            f"padding after the {name}",
            ".".join(p + ("=" * (-len(p) % 4 or 4) if i == part else "") for i, p in enumerate(parts)),
        )
        yield (
            f"the {name} in the standard alphabet",
            ".".join("+/" + p[2:] if i == part else p for i, p in enumerate(parts)),
        )
        if len(parts[part]) % 4:
            last = spare[spare.index(parts[part][-1]) + 1]
            yield (
                f"spare bits set in the {name}",
                ".".join(p[:-1] + last if i == part else p for i, p in enumerate(parts)),
            )
    # Whatever the lengths of this run: a body that has spare bits, signed with them set.
    for fill in range(3):
        text = spell(f.claims(pad="x" * fill))
        if len(text) % 4:
            odd = text[:-1] + spare[spare.index(text[-1]) + 1]
            whole = f"{head}.{odd}"
            raw = jws.JWSRegistry.algorithms["ES256"].sign(whole.encode(), f.key.pair)
            s = int.from_bytes(raw[32:])
            yield f"spare bits set before signing, {fill}", f"{whole}.{b64(raw[:32] + min(s, ORDER - s).to_bytes(32))}"
    yield "percent-encoded dots", good.replace(".", "%2E")
    yield "a quoted token", f'"{good}"'
    yield "two tokens", f"{good},{good}"
    yield "very long", f.signed(f.header(), f.claims(jti="j" * 5000))
    yield "a hundred thousand bytes", good + "A" * 100_000
    yield "a body changed to another user", f"{head}.{spell(f.claims(sub=str(f.other_user)))}.{signature}"
    yield "a body changed to more scopes", f"{head}.{spell(f.claims(scope='admin:read admin:write'))}.{signature}"
    yield "a body changed to a later end", f"{head}.{spell(f.claims(exp=f.honest['exp'] + 1))}.{signature}"


def _signatures(f: Forger) -> Iterator[tuple[str, str]]:
    good = f.good()
    text, _, signature = good.rpartition(".")
    raw = unb64(signature)
    r, s = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])
    fixed: dict[str, bytes] = {
        "zeros": bytes(64),
        "r zero": bytes(32) + raw[32:],
        "s zero": raw[:32] + bytes(32),
        "the order itself": ORDER.to_bytes(32) * 2,
        "r of the order": ORDER.to_bytes(32) + raw[32:],
        "all ones": b"\xff" * 64,
        "one and one": (b"\x00" * 31 + b"\x01") * 2,
        "DER": encode_dss_signature(r, s),
        "the halves swapped": raw[32:] + raw[:32],
        "a byte more": raw + b"\x00",
        "a byte before": b"\x00" + raw,
        "a byte less": raw[:-1],
        "twice": raw + raw,
        "one bit changed": raw[:-1] + bytes([raw[-1] ^ 1]),
        "of 48-byte halves": bytes(16) + raw[:32] + bytes(16) + raw[32:],
    }
    for name, value in fixed.items():
        yield f"signature: {name}", f"{text}.{b64(value)}"
    yield "signature: the other one that holds", f"{text}.{b64(raw[:32] + (ORDER - s).to_bytes(32))}"
    yield "signature: signed high", f.signed(f.header(), f.claims(jti="high"), low=False)


def _others(f: Forger) -> Iterator[tuple[str, str]]:
    good = f.good()
    head, body, signature = good.split(".")
    yield "a refresh token", f.refresh_token
    yield "a nested token", f.signed(f.header(cty="JWT"), good.encode())
    yield "a nested token under an honest header", f.signed(f.header(), good.encode())
    yield (
        "JSON serialisation",
        json.dumps({"payload": body, "protected": head, "signature": signature}, separators=(",", ":")),
    )
    yield (
        "encrypted to our public key",
        jwe.encrypt_compact(
            {"alg": "ECDH-ES", "enc": "A256GCM", "kid": f.key.kid},
            good.encode(),
            ECKey.import_key(f.key.pair.as_pem(private=False)),
        ),
    )
    yield (
        "encrypted with a secret of the attacker's",
        jwe.encrypt_compact({"alg": "dir", "enc": "A256GCM"}, good.encode(), OctKey.import_key("k" * 32)),
    )
    yield (
        "signed with the key of another deployment",
        f.signed({**f.header(), "kid": ATTACKER.kid}, f.claims(), ATTACKER),
    )
    yield "a detached signature", f"{head}..{signature}"
    yield "the words null", "null.null.null"
    yield "the word Bearer again", "Bearer"
