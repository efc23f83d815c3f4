"""Pages about people and merchants."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.access import memberships_of
from accounts.middleware import MERCHANT_KEY


@require_POST
@login_required
def choose_merchant(request: HttpRequest) -> HttpResponse:
    """Act for another merchant from now on. 404 for one that the person does not belong to."""
    own = {str(each.merchant_id) for each in memberships_of(request.user)}  # type: ignore[arg-type]
    wanted = request.POST.get("merchant", "")
    if wanted not in own:
        raise Http404
    request.session[MERCHANT_KEY] = int(wanted)
    return redirect("/orders/")
