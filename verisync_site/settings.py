"""Every setting, from the environment. `.env.example` explains each; `connectors/checks.py` refuses unsafe mixes."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import environ

from verisync_site import database, logs

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
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "axes",
    "csp",
    "django_htmx",
    "heroicons",
    "django_q",
    "django_structlog",
    "accounts",
    "connectors",
    "orders",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "accounts.middleware.MembershipMiddleware",
    "accounts.middleware.StaffMiddleware",
    "axes.middleware.AxesMiddleware",
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
                "orders.navigation.frame",
            ],
        },
    }
]

# People: log in by e-mail; a sign-up makes a merchant.
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/orders/"
ACCOUNT_SIGNUP_REDIRECT_URL = "/dashboard/"
LOGOUT_REDIRECT_URL = "account_login"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_SIGNUP_FORM_CLASS = "accounts.forms.SignupForm"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = env.str("EMAIL_VERIFICATION", default="optional" if DEBUG else "mandatory")
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if PUBLIC_URL.startswith("https") else "http"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 1  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_USERNAME_FORM_FIELD = "login"

# Mail: to the log while developing.
EMAIL_CONFIG = env.email("EMAIL_URL", default="consolemail://" if DEBUG else "smtp://localhost:25")
vars().update(EMAIL_CONFIG)
EMAIL_TIMEOUT = 10  # a mail server that is silent must not hold up a worker
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="VeriSync <no-reply@localhost>")

# Merchants name an address for their alerts. Only while developing it may be one of this machine or its network.
ALERTS_MAY_STAY_HERE = DEBUG

# Shared by all processes: throttles, carrier lists, the task cluster's own statistics.
REDIS_URL = env.str("REDIS_URL", default="")
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "verisync_cache"}
}

# The alarm clock. Retries are our rows' business, so a task is tried once and its result is not kept. Workers are not
# recycled: one that looks idle may be draining lanes in its threads. The broker waits for a bell, so it does not poll.
# Where one machine is web server and worker, an answer to a webhook does not wait for the work that it brings.
WORKER_NICENESS = env.int("WORKER_NICENESS", default=10)
Q_CLUSTER = {
    "name": "verisync",
    "orm": "default",
    "broker_class": "orders.broker.BellBroker",
    "poll": 0,
    "workers": env.int("WORKERS", default=2),
    "queue_limit": env.int("WORKERS", default=2),
    "bulk": 1,
    "timeout": 60,
    "retry": 240,
    "max_attempts": 1,
    "ack_failures": True,
    "save_limit": -1,
    "guard_cycle": 1,
    "recycle": 0,
    "catch_up": False,
    "label": "Tasks",
}

# Pages: nothing from outside. The staff admin's scripts evaluate expressions.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "form-action": ["'self'", *(["http:"] if DEBUG else []), "https:"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
    }
}
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
UNFOLD = {"SITE_TITLE": "VeriSync staff", "SITE_HEADER": "VeriSync staff", "SITE_SYMBOL": "sync"}

# Behind HTTPS. Development speaks HTTP.
if not DEBUG:
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_REDIRECT_EXEMPT = [r"^health/"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SESSION_COOKIE_SAMESITE = "Lax"  # an OAuth callback is a navigation from outside
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = DEBUG
if not DEBUG:
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }

LOGGING = logs.configuration(level=env.str("LOG_LEVEL", default="INFO"))
