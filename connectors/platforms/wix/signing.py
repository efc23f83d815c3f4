"""Wix's two signatures: webhooks as RS256 tokens, and the `instance` with which Wix opens an app's pages. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature as WrongSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

# How old a signed instance may be: our own rule, since it works as a password for the installation.
INSTANCE_LIFE = timedelta(hours=4)
SKEW = timedelta(minutes=5)


def claims_of(token: bytes, public_key: str, *, now: datetime | None) -> dict[str, Any] | None:
    """The claims of a token that Wix signed; None for any other. `now` None: how old it is does not matter.

    The algorithm must be RS256 itself: a token that names another, or none, is refused whatever its signature
    (npm @wix/sdk 1.21, read 2026-11: issuer and audience are not checked for webhooks).
    """
    parts = token.strip().split(b".")
    key = _key(public_key)
    if len(parts) != 3 or key is None:
        return None
    header, claims, signature = (_decoded(part) for part in parts)
    if _object(header).get("alg") != "RS256" or signature is None:
        return None
    try:
        key.verify(signature, parts[0] + b"." + parts[1], padding.PKCS1v15(), hashes.SHA256())
    except WrongSignature:
        return None
    said = _object(claims)
    until = said.get("exp")
    is_fresh = isinstance(until, int | float) and until > (now - SKEW).timestamp() if now is not None else True
    return said if is_fresh else None


def unverified_claims(token: bytes) -> dict[str, Any]:
    """The claims of a token that was verified when it arrived. Empty if there are none."""
    parts = token.strip().split(b".")
    return _object(_decoded(parts[1])) if len(parts) == 3 else {}


def instance_of(text: str, secret: str, *, now: datetime) -> str:
    """The instance id in a signed `instance` parameter, or "" if it is not signed by our app's secret or too old.

    base64url(HMAC-SHA256(secret, part)) + "." + part, over the encoded text (guess: widely used, not in the typings).
    """
    signature, _, part = text.partition(".")
    expected = hmac.new(secret.encode(), part.encode(), hashlib.sha256).digest()
    given = _decoded(signature.encode())
    if not secret or given is None or not hmac.compare_digest(expected, given):
        return ""
    said = _object(_decoded(part.encode()))
    try:
        signed_at = datetime.fromisoformat(str(said.get("signDate")))
    except ValueError:
        return ""
    signed_at = signed_at if signed_at.tzinfo else signed_at.replace(tzinfo=UTC)
    return str(said.get("instanceId") or "") if signed_at >= now - INSTANCE_LIFE else ""


def _key(text: str) -> rsa.RSAPublicKey | None:
    """The app's public key: PEM, or PEM in base64, as the dashboard may hand it out; newlines may be written as \\n."""
    pem = text.strip().replace("\\n", "\n").encode()
    if not pem.startswith(b"-----"):
        pem = base64.b64decode(pem, validate=False) if _is_base64(pem) else b""
    try:
        key = serialization.load_pem_public_key(pem)
    except ValueError:
        return None
    return key if isinstance(key, rsa.RSAPublicKey) else None


def _is_base64(raw: bytes) -> bool:
    try:
        base64.b64decode(raw)
    except (binascii.Error, ValueError):
        return False
    return True


def _decoded(part: bytes) -> bytes | None:
    try:
        return base64.b64decode(part + b"=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None


def _object(raw: bytes | None) -> dict[str, Any]:
    try:
        value = json.loads(raw or b"")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
