"""A new kind of work, giving an order to its location in the store, and an index over links of one spelling."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0022_lane_rests"),
    ]

    operations = [
        migrations.AlterField(
            model_name="outboxitem",
            name="kind",
            field=models.CharField(
                choices=[
                    ("CHOOSE_STORES", "Ask which stores have the items"),
                    ("CREATE_ORDER", "Create the order in the store"),
                    ("HOLD_ORDER", "Keep the order back in the store"),
                    ("RELEASE_ORDER", "Fill in the buyer and let the order go in the store"),
                    ("MOVE_ORDER", "Give the order to its location in the store"),
                    ("CANCEL_ORDER", "Cancel the order in the store"),
                    ("PUSH_TRACKING", "Send a tracking number to the source"),
                    ("COPY_TRACKING", "Write a parcel that the source shipped into the store"),
                    ("EDIT_TRACKING", "Change a tracking number at the source"),
                ],
                max_length=16,
            ),
        ),
        migrations.AddIndex(
            model_name="productlink",
            index=models.Index(
                condition=models.Q(("is_manual", True), ("sku__startswith", " ")),
                fields=["store"],
                name="product_link_spelled",
            ),
        ),
    ]
