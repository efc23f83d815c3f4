"""The ways a call to a platform can fail. Each is one sentence, and decides by itself what happens next."""

from __future__ import annotations


class PlatformError(Exception):
    """A platform did not do what was asked. `message` is safe to show: it holds no secret and no buyer's data.

    `code` is the platform's own code, kept as text; `side` names who has to act: "platform", "merchant" or "us".
    """

    permanent = False
    side = "platform"

    def __init__(self, message: str, *, code: str = "", reason: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.reason = reason


class TemporaryError(PlatformError):
    """Not now: the same call may work later. `retry_after` is in seconds where the platform named a time."""

    def __init__(self, message: str, *, code: str = "", reason: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, code=code, reason=reason)
        self.retry_after = retry_after


class RateLimited(TemporaryError):
    """The platform asked us to slow down. Nothing was done there."""


class OutcomeUnknown(TemporaryError):
    """The call was sent and no usable answer came: it may have been done. Look before sending again."""


class PermanentError(PlatformError):
    """The platform refused and will refuse the same call again."""

    permanent = True


class AuthorizationError(PermanentError):
    """The token is missing, lapsed or revoked: the merchant has to reconnect, unless a refresh helps."""

    side = "merchant"


class ScopeMissing(AuthorizationError):
    """The token is good but a permission was not granted."""


class UnsupportedFeature(PermanentError):
    """This platform has no way to say what was asked. Its reason is NOT_SUPPORTED unless another is given."""

    side = "merchant"

    def __init__(self, message: str, *, code: str = "", reason: str = "NOT_SUPPORTED") -> None:
        super().__init__(message, code=code, reason=reason)


class InvalidSignature(PlatformError):
    """A message claims to come from the platform and is not signed by it."""

    permanent = True


class UnreadableAnswer(PlatformError):
    """The platform sent something that does not have the documented shape. `external_id` names the order if known."""

    permanent = True

    def __init__(self, message: str, *, external_id: str = "") -> None:
        super().__init__(message)
        self.external_id = external_id
