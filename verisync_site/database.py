"""How a process reaches PostgreSQL: which address, which role, pooled or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from psycopg import conninfo

from verisync_site.postgres import url_of

APPLICATION_ROLE = "verisync_app"


def configuration(*, url: str, data: Path, role: str, pool_size: int) -> dict[str, Any]:
    """Django's entry for one process. An empty `url` means the embedded server whose files are in `data`.

    `role`: "application" acts as the restricted role from the first statement on; "owner" is for migrations.
    `pool_size` above 0 pools (web threads); workers must not pool, since a pool that crosses a fork hangs.
    """
    parts = conninfo.conninfo_to_dict(url or url_of(data))
    options: dict[str, Any] = {
        name: value for name, value in parts.items() if name not in {"user", "password", "host", "port", "dbname"}
    }
    if role == "application":
        options["options"] = f"{options.get('options', '')} -c role={APPLICATION_ROLE}".strip()
    # A worker's statement asked for the sixth time is planned no more: planning cost the server more than carrying out.
    options |= {"server_side_binding": True, "prepare_threshold": 5}
    if pool_size:
        options["pool"] = {"min_size": 1, "max_size": pool_size, "timeout": 10}
        # A page's filter is planned for its values: a plan for any value cannot use an index that is made for some.
        options["options"] = f"{options.get('options', '')} -c plan_cache_mode=force_custom_plan".strip()
    return {
        "ENGINE": "verisync_site.backend",
        "NAME": parts.get("dbname", ""),
        "USER": parts.get("user", ""),
        "PASSWORD": parts.get("password", ""),
        "HOST": parts.get("host", ""),
        "PORT": str(parts.get("port", "")),
        "CONN_MAX_AGE": 0 if pool_size else 60,
        "CONN_HEALTH_CHECKS": not pool_size,
        "OPTIONS": options,
    }
