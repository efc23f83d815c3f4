"""Orders that were set aside belong to one merchant each."""

from django.db import migrations

from accounts.rowsecurity import shut_table


class Migration(migrations.Migration):
    dependencies = [("orders", "0003_set_aside_and_sent_at")]

    operations = [shut_table("orders_setaside")]
