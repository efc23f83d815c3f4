"""The table of the cache that all processes share where there is no Redis."""

from django.db import migrations

MAKE = """
create table if not exists verisync_cache (
  cache_key varchar(255) primary key,
  value text not null,
  expires timestamp with time zone not null
);
create index if not exists verisync_cache_expires on verisync_cache (expires);
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_row_level_security")]

    operations = [migrations.RunSQL(MAKE, "drop table verisync_cache")]
