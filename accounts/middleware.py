"""For whom a request speaks."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from accounts.access import all_merchants, memberships_of
from accounts.models import Membership, User

MERCHANT_KEY = "merchant"


class MembershipMiddleware:
    """Sets `request.membership`, lazily: the chosen merchant of a logged-in person, or something false.

    The choice is kept in the session and is looked up among the person's own memberships on every request, so that
    somebody removed is out at once. Nothing from the URL is believed.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.membership = SimpleLazyObject(lambda: chosen_membership(request))  # type: ignore[attr-defined]
        return self.get_response(request)


class StaffMiddleware:
    """The staff admin crosses tenants: a staff member's request there runs in one such transaction, others never."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if not request.path.startswith("/staff/") or not (user.is_authenticated and user.is_active and user.is_staff):
            return self.get_response(request)
        with all_merchants("the staff admin shows every merchant"):
            response = self.get_response(request)
            if hasattr(response, "render") and callable(response.render):
                response.render()
            return response


def chosen_membership(request: HttpRequest) -> Membership | None:
    """The membership this request acts under; the oldest when none was chosen, None for nobody."""
    if not isinstance(request.user, User) or not request.user.is_active:
        return None
    memberships = memberships_of(request.user)
    chosen = request.session.get(MERCHANT_KEY)
    return next((each for each in memberships if each.merchant_id == chosen), memberships[0] if memberships else None)
