"""Routes of the merchant's pages."""

from __future__ import annotations

from django.urls import path

from orders.views import actions, history, mapping, pages, parcels, products, rules, settings

urlpatterns = [
    path("", pages.start, name="start"),
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
    path("orders/<int:order_id>/parcel/send/", parcels.send_anyway, name="parcel_send_anyway"),
    path("orders/<int:order_id>/parcel/correct/", parcels.correct, name="parcel_correct"),
    path("orders/<int:order_id>/parcel/change/", parcels.change, name="parcel_change"),
    path("orders/<int:order_id>/parcel/keep/", parcels.keep, name="parcel_keep"),
    path("orders/<int:order_id>/parcel/resend/", parcels.resend, name="parcel_resend"),
    path("products/", products.home, name="products"),
    path("products/<int:store_id>/", products.product_list, name="store_products"),
    path("products/<int:store_id>/catalogs/", products.catalog_progress, name="catalog_progress"),
    path("products/<int:store_id>/read/", products.read_catalogs, name="catalogs_read"),
    path("products/<int:store_id>/link/", products.link, name="product_link"),
    path("products/<int:store_id>/unlink/", products.unlink, name="product_unlink"),
    path("products/<int:store_id>/links.csv", products.export, name="links_export"),
    path("products/<int:store_id>/import/", products.import_links, name="links_import"),
    path("stores/", pages.store_list, name="stores"),
    path("stores/<int:store_id>/", settings.store, name="store_settings"),
    path("stores/<int:store_id>/routes/new/", settings.new_route, name="route_new"),
    path("routes/<int:route_id>/", settings.route, name="route"),
    path("routes/<int:route_id>/remove/", settings.remove_route, name="route_remove"),
    path("routes/<int:route_id>/rules/<slug:group>/", rules.route_rules, name="route_rules"),
    path("settings/", rules.settings_index, name="settings"),
    path("settings/rules/<slug:group>/", rules.any_rules, name="rules"),
    path("settings/history/", history.settings_history, name="settings_history"),
    path("settings/history/<int:number>/", history.settings_version, name="settings_version"),
    path("settings/history/<int:number>/restore/", history.restore_version, name="settings_restore"),
    path("mapping/shipping/", mapping.any_shipping, name="any_shipping"),
    path("mapping/shipping/<int:store_id>/", mapping.shipping_methods, name="shipping_methods"),
    path("mapping/carriers/", mapping.any_carriers, name="any_carriers"),
    path("mapping/carriers/<int:store_id>/", mapping.carriers, name="carriers"),
]
