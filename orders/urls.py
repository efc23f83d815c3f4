"""Routes of the merchant's pages."""

from __future__ import annotations

from django.urls import path

from orders.views import actions, dashboard, pages, rehearsal, settings

urlpatterns = [
    path("", pages.start, name="start"),
    path("dashboard/", dashboard.page, name="dashboard"),
    path("dashboard/<int:store_id>/check/", dashboard.check, name="setup_check"),
    path("dashboard/<int:store_id>/vouch/", dashboard.vouch, name="setup_vouch"),
    path("dashboard/<int:store_id>/switch/", dashboard.switch, name="setup_switch"),
    path("dry-runs/", rehearsal.newest, name="rehearsals"),
    path("dry-runs/<int:store_id>/", rehearsal.page, name="rehearsal"),
    path("orders/", pages.order_list, name="orders"),
    path("orders/rows/", pages.order_rows, name="order_rows"),
    path("orders/<int:order_id>/", pages.order_detail, name="order"),
    path("orders/<int:order_id>/poll/", pages.order_poll, name="order_poll"),
    path("orders/<int:order_id>/dry-run/", pages.order_dry_run, name="order_dry_run"),
    path("orders/<int:order_id>/retry/", actions.retry, name="order_retry"),
    path("orders/<int:order_id>/dismiss/", actions.dismiss, name="order_dismiss"),
    path("orders/<int:order_id>/skip/", actions.skip, name="order_skip"),
    path("orders/<int:order_id>/create/", actions.create, name="order_create"),
    path("orders/<int:order_id>/carrier/", actions.carrier, name="order_carrier"),
    path("orders/<int:order_id>/link/", actions.link, name="order_link"),
    path("stores/", pages.store_list, name="stores"),
    path("stores/<int:store_id>/", settings.store, name="store_settings"),
    path("stores/<int:store_id>/routes/new/", settings.new_route, name="route_new"),
    path("routes/<int:route_id>/", settings.route, name="route"),
    path("routes/<int:route_id>/remove/", settings.remove_route, name="route_remove"),
]
