from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0017_mirror_sent")]

    operations = [
        migrations.AddField(
            model_name="mirror",
            name="parcel_group",
            field=models.CharField(blank=True, db_default="", default="", max_length=40),
        ),
        migrations.AddField(
            model_name="mirror",
            name="is_held",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AlterField(
            model_name="outboxitem",
            name="kind",
            field=models.CharField(
                choices=[
                    ("CHOOSE_STORES", "Ask which stores have the items"),
                    ("CREATE_ORDER", "Create the order in the store"),
                    ("HOLD_ORDER", "Keep the order back in the store"),
                    ("RELEASE_ORDER", "Fill in the buyer and let the order go in the store"),
                    ("CANCEL_ORDER", "Cancel the order in the store"),
                    ("PUSH_TRACKING", "Send a tracking number to the source"),
                    ("COPY_TRACKING", "Write a parcel that the source shipped into the store"),
                ],
                max_length=16,
            ),
        ),
    ]
