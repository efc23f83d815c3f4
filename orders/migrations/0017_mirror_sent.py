"""What a store was sent of an order is kept beside its mirror."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0016_setups")]

    operations = [
        migrations.AddField(
            model_name="mirror", name="sent", field=models.JSONField(blank=True, db_default={}, default=dict)
        ),
    ]
