"""Every setting, from the environment. `.env.example` explains each; `connectors/checks.py` refuses unsafe mixes."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import environ

from verisync_site import database

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="development-only-not-a-secret" if DEBUG else "")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
PUBLIC_URL = env.str("PUBLIC_URL", default="http://127.0.0.1:8000").rstrip("/")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

# Database: the address is the owner's; every process but a migration then acts as the application role.
POSTGRES_DATA = Path(env.str("POSTGRES_DATA", default=str(BASE_DIR / ".var" / "postgres")))
DATABASE_URL = env.str("DATABASE_URL", default="")
DATABASES = {
    "default": database.configuration(
        url=DATABASE_URL,
        data=POSTGRES_DATA,
        role=env.str("DATABASE_ROLE", default="application"),
        pool_size=env.int("DATABASE_POOL", default=0),
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Platforms read no environment: each declares its settings, and the registry looks them up here by name.
PLATFORM_VALUES = os.environ
CREDENTIAL_KEYS = env.list("CREDENTIAL_KEYS", default=[])
if DEBUG and not CREDENTIAL_KEYS:
    CREDENTIAL_KEYS = [base64.urlsafe_b64encode(b"development-only-not-a-secret-00").decode()]
HOLD_SECONDS = env.int("HOLD_SECONDS", default=3600)
POLL_SECONDS = env.int("POLL_SECONDS", default=120)

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "accounts",
    "connectors",
    "orders",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "verisync_site.urls"
WSGI_APPLICATION = "verisync_site.wsgi.application"
AUTH_USER_MODEL = "accounts.User"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = BASE_DIR / "staticfiles"
