"""One factory per model; traits for states."""

from __future__ import annotations

import factory

from accounts.models import User


class UserFactory(factory.django.DjangoModelFactory):
    """A person who can log in with the password "candle-light-42"."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@example.com")
    name = "A person"
    password = factory.django.Password("candle-light-42")
