"""Orders and all that hangs on them belong to one merchant each."""

from django.db import migrations

from accounts.rowsecurity import shut_table

TABLES = (
    "order orderversion orderevent route mirror productlink fulfillment carriermapping outboxitem lane".split()
)


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial"), ("accounts", "0002_row_level_security")]

    operations = [shut_table(f"orders_{table}") for table in TABLES]
