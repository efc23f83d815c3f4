"""The only door to a tenant. Whoever wants a merchant's rows enters here, and the database enforces it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.models import Membership, Merchant, Role, User
from accounts.rowsecurity import SYSTEM_ROLE

_RANK = {Role.VIEWER: 1, Role.MANAGER: 2, Role.OWNER: 3}


class AccessDenied(Exception):
    """The person does not belong to the merchant, or the role is too small."""


@contextmanager
def merchant_rows(merchant_id: int) -> Iterator[None]:
    """A transaction in which exactly one merchant's rows can be read and written.

    Keep calls to other machines outside it. The setting ends with the transaction, so a pooled connection never
    carries a tenant to its next borrower. Inside another one it is a savepoint.
    """
    with _scope("app.merchant", str(int(merchant_id))):
        yield


@contextmanager
def all_merchants(purpose: str) -> Iterator[None]:
    """A transaction that crosses tenants on purpose; `purpose` says why, for whoever reads the calling code."""
    assert purpose
    with _scope("role", SYSTEM_ROLE):
        yield


@contextmanager
def _scope(name: str, value: str) -> Iterator[None]:
    """A transaction in which the setting has this value; inside another one, what it had before comes back.

    What is set is remembered beside the connection, so that a transaction costs one statement for it, and one inside
    another of the same merchant none.
    """
    is_inner = connection.in_atomic_block
    known = _known()
    if not is_inner:
        known.clear()
    with transaction.atomic():
        before = known.get(name)
        if before is None and is_inner:
            before = _setting(name)
        if before != value:
            _set(name, value)
        known[name] = value
        try:
            yield
            if is_inner and before is not None and before != value:
                _set(name, before)
        finally:
            known.pop(name, None)
            if before is not None:
                known[name] = before


def _known() -> dict[str, str]:
    """What is set on this thread's connection: `connection` itself is one object for all threads."""
    return connections[DEFAULT_DB_ALIAS].__dict__.setdefault("scope_settings", {})


def memberships_of(user: User) -> list[Membership]:
    """Every membership of this person, merchants loaded, oldest first."""
    with all_merchants("a person's own memberships"):
        return list(Membership.objects.filter(user=user).select_related("merchant").order_by("id"))


def membership_for(*, user: User, merchant_id: int, at_least: Role = Role.VIEWER) -> Membership:
    """This person's membership at this merchant. Raises AccessDenied, also when there is no such merchant."""
    with merchant_rows(merchant_id):
        membership = Membership.objects.filter(user=user, merchant_id=merchant_id).select_related("merchant").first()
    if membership is None or _RANK[Role(membership.role)] < _RANK[at_least]:
        raise AccessDenied(f"needs {at_least.label.lower()} rights at this merchant")
    return membership


def member_required(
    *, at_least: Role = Role.VIEWER
) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """A view for members only: nobody is sent to log in, a smaller role gets 403, no merchant a page that says so."""

    def wrap(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            membership = request.membership  # type: ignore[attr-defined]
            if not membership:
                return render(request, "account/no_merchant.html", status=403)
            if _RANK[Role(membership.role)] < _RANK[at_least]:
                raise PermissionDenied(f"This needs {at_least.label.lower()} rights. Ask an owner of the account.")
            return view(request, *args, **kwargs)

        return guarded

    return wrap


def open_merchant(*, name: str, owner: User) -> Merchant:
    """Create a merchant with its first owner, both or neither."""
    with all_merchants("a tenant that does not exist yet"):
        merchant = Merchant.objects.create(name=name)
        Membership.objects.create(merchant=merchant, user=owner, role=Role.OWNER)
    return merchant


def _setting(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("select coalesce(current_setting(%s, true), '')", [name])
        return str(cursor.fetchone()[0])


def _set(name: str, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select set_config(%s, %s, true)", [name, value])
