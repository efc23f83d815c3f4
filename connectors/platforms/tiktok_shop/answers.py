"""A seller's answers as TikTok Shop takes them, and how a return shows that it was answered so. Pure.

https://partner.tiktokshop.com/docv2/page/approve-return-202309 and reject-return-202309 (read 2026-11)
"""

from __future__ import annotations

from typing import Any

from connectors.base.aftersales import Answer, Decision, Return, ReturnKind, ReturnStatus
from connectors.base.errors import PermanentError
from connectors.base.money import to_text

_WORDS = {
    Decision.APPROVE_REFUND: "APPROVE_REFUND",
    Decision.APPROVE_RETURN: "APPROVE_RETURN",
    Decision.APPROVE_GOODS: "APPROVE_RECEIVED_PACKAGE",
    Decision.APPROVE_REPLACEMENT: "APPROVE_REPLACEMENT",
    Decision.REFUND_INSTEAD: "ISSUE_REPLACEMENT_REFUND",
    Decision.OFFER_PART: "OFFER_PARTIAL_REFUND",
    Decision.REJECT_REFUND: "REJECT_REFUND",
    Decision.REJECT_RETURN: "REJECT_RETURN",
    Decision.REJECT_GOODS: "REJECT_RECEIVED_PACKAGE",
    Decision.REJECT_REPLACEMENT: "REJECT_REPLACEMENT",
}
# Where a return stands after each decision, and wherever it may have gone since.
_PAID = frozenset([ReturnStatus.AGREED, ReturnStatus.COMPLETED])
_REFUSED = frozenset([ReturnStatus.REFUSED, ReturnStatus.WITHDRAWN])
_LEADS_TO = {
    Decision.APPROVE_REFUND: _PAID,
    Decision.APPROVE_RETURN: _PAID | {ReturnStatus.TO_BE_SENT, ReturnStatus.ON_THE_WAY},
    Decision.APPROVE_GOODS: _PAID,
    Decision.APPROVE_REPLACEMENT: _PAID,
    Decision.REFUND_INSTEAD: _PAID,
    Decision.OFFER_PART: _PAID | {ReturnStatus.BUYER_ASKED},
    **dict.fromkeys([Decision.REJECT_REFUND, Decision.REJECT_RETURN, Decision.REJECT_REPLACEMENT], _REFUSED),
    Decision.REJECT_GOODS: frozenset([ReturnStatus.GOODS_REFUSED, ReturnStatus.WITHDRAWN]),
}


def is_answered_so(found: Return, answer: Answer) -> bool:
    """Whether the return stands where this answer leads, so that it need not be given again."""
    if found.status not in _LEADS_TO[answer.decision]:
        return False
    return answer.decision is not Decision.OFFER_PART or found.offered == answer.amount


def body_of(found: Return, answer: Answer) -> dict[str, Any]:
    """The body of approve or reject. Raises PermanentError where a reason or a sum is missing."""
    decision = answer.decision
    body: dict[str, Any] = {"decision": _WORDS[decision]}
    if decision.is_rejection:
        return {**body, **rejection(answer.reason, answer.comment)}
    if decision is Decision.OFFER_PART:
        if not answer.amount or answer.amount < 0 or not answer.currency:
            raise PermanentError("An offer needs a sum, and the currency it is in", reason="REMOTE_ERROR")
        amount = to_text(answer.amount, answer.currency)
        body["partial_refund"] = {"currency": answer.currency, "amount": amount}
    if decision is Decision.APPROVE_REFUND and found.kind is ReturnKind.RETURN:
        # The money without the goods: the return is approved, and they stay. The page of approve-return says so.
        body |= {"decision": _WORDS[Decision.APPROVE_RETURN], "buyer_keep_item": True}
    return body


def rejection(reason: str, comment: str) -> dict[str, str]:
    """Why a request is refused. Raises PermanentError without a reason: TikTok Shop takes none without."""
    if not reason:
        raise PermanentError("TikTok Shop wants a reason for a refusal", reason="REMOTE_ERROR")
    return {"reject_reason": reason, **({"comment": comment} if comment else {})}
