"""Routes of connecting and of webhooks."""

from __future__ import annotations

from django.urls import path

from connectors import views, webhooks

urlpatterns = [
    path("connect/<slug:platform>/", views.connect, name="connect"),
    path("connect/<slug:platform>/callback/", views.callback, name="connect_callback"),
    path("connect/<slug:platform>/confirm/", views.confirm, name="connect_confirm"),
    path("connect/<slug:platform>/disconnect/<int:store_id>/", views.disconnect, name="disconnect"),
    path("connect/<slug:platform>/test/<int:store_id>/", views.test, name="test_store"),
    path("webhooks/<slug:platform>/", webhooks.receive, name="webhook"),
]
