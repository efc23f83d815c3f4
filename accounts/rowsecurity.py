"""Row-level security: the wall behind the wall. Migrations use this to shut each tenant table.

Two roles act for the product, neither a superuser nor an owner of tables. `verisync_app` sees the rows of the one
merchant named in `app.merchant`, and none when nothing is named. `verisync_system` crosses tenants on purpose;
the application can step into it only by saying so (`access.all_merchants`).
"""

from __future__ import annotations

from django.db import migrations

APPLICATION_ROLE = "verisync_app"
SYSTEM_ROLE = "verisync_system"


def _make_role(role: str, options: str) -> str:
    """Roles belong to the whole server: another database's migration may make them at the same moment."""
    return f"""
do $$
begin
  create role {role} {options};
exception when duplicate_object or unique_violation then null;
end $$;"""


MAKE_ROLES = f"""
{_make_role(APPLICATION_ROLE, "nologin noinherit")}
{_make_role(SYSTEM_ROLE, "nologin")}
grant {SYSTEM_ROLE} to {APPLICATION_ROLE};
grant {APPLICATION_ROLE} to current_user;
grant {SYSTEM_ROLE} to current_user;
grant usage on schema public to {APPLICATION_ROLE}, {SYSTEM_ROLE};
alter default privileges in schema public
  grant select, insert, update, delete on tables to {APPLICATION_ROLE}, {SYSTEM_ROLE};
alter default privileges in schema public
  grant usage, select on sequences to {APPLICATION_ROLE}, {SYSTEM_ROLE};
grant select, insert, update, delete on all tables in schema public to {APPLICATION_ROLE}, {SYSTEM_ROLE};
grant usage, select on all sequences in schema public to {APPLICATION_ROLE}, {SYSTEM_ROLE};
"""


def make_roles() -> migrations.RunSQL:
    """The operation that makes both roles and grants them every table, now and later. May be repeated."""
    return migrations.RunSQL(MAKE_ROLES, migrations.RunSQL.noop)


def shut_table(table: str, *, merchant_column: str = "merchant_id") -> migrations.RunSQL:
    """The operation that lets a tenant's rows be seen by that tenant only, the table's owner included."""
    return migrations.RunSQL(
        f"""
        alter table {table} enable row level security;
        alter table {table} force row level security;
        create policy one_merchant on {table} to {APPLICATION_ROLE}
          using ({merchant_column} = nullif(current_setting('app.merchant', true), '')::bigint);
        create policy all_merchants on {table} to {SYSTEM_ROLE} using (true);
        """,
        f"""
        drop policy one_merchant on {table};
        drop policy all_merchants on {table};
        alter table {table} no force row level security;
        alter table {table} disable row level security;
        """,
    )


def act_as_system(function: str) -> migrations.RunSQL:
    """The operation that lets a `security definer` function cross tenants for whoever calls it, the application alone.

    What it may see or write is then up to its own text: keep that narrow.
    """
    return migrations.RunSQL(
        f"""
        grant create on schema public to {SYSTEM_ROLE};
        alter function {function} owner to {SYSTEM_ROLE};
        revoke create on schema public from {SYSTEM_ROLE};
        revoke execute on function {function} from public;
        grant execute on function {function} to {APPLICATION_ROLE};
        """,
        migrations.RunSQL.noop,
    )
