"""What a web server imports. Production does not come up with unsafe settings."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "verisync_site.settings")

_application = get_wsgi_application()

from connectors.checks import refuse_unsafe_start  # noqa: E402 - the apps have to be ready first
from connectors.front import with_webhooks_in_front  # noqa: E402
from verisync_site.memory import settle_down  # noqa: E402

refuse_unsafe_start()
application = with_webhooks_in_front(_application)
settle_down()
