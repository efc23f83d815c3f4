"""Sign-up: a person and the business they open an account for."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest

from accounts.access import open_merchant
from accounts.models import User


class SignupForm(forms.Form):
    """What allauth's sign-up form asks beside e-mail and password."""

    business_name = forms.CharField(
        max_length=150, label="Business name", widget=forms.TextInput(attrs={"autocomplete": "organization"})
    )
    name = forms.CharField(
        max_length=150, label="Your name", required=False, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )

    field_order = ["business_name", "name", "email", "password1", "password2"]

    def signup(self, request: HttpRequest, user: User) -> None:
        """Called by allauth in the request's transaction: the person's merchant, with the person as its owner."""
        user.name = self.cleaned_data["name"]
        user.save(update_fields=["name"])
        open_merchant(name=self.cleaned_data["business_name"].strip(), owner=user)
