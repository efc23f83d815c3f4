"""Routes about people and merchants."""

from __future__ import annotations

from django.urls import path

from accounts import views

urlpatterns = [path("merchant/", views.choose_merchant, name="choose_merchant")]
