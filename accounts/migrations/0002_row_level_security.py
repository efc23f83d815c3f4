"""The two roles, and the first tables behind the wall."""

from django.db import migrations

from accounts.rowsecurity import make_roles, shut_table


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        make_roles(),
        shut_table("accounts_merchant", merchant_column="id"),
        shut_table("accounts_membership"),
    ]
