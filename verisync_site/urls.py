"""Every route of the product."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from verisync_site import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("orders.urls")),
    path("", include("connectors.urls")),
    path("", include("accounts.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("staff/", admin.site.urls),
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("metrics", health.metrics),
]
