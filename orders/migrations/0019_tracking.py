"""What was said of a parcel, which checks a person waived, and the change of a number."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_cache_table'),
        ('connectors', '0006_keep_delivery'),
        ('orders', '0018_admission'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='order',
            name='order_attention_known',
        ),
        migrations.AddField(
            model_name='fulfillment',
            name='said',
            field=models.JSONField(blank=True, db_default={}, default=dict),
        ),
        migrations.AddField(
            model_name='fulfillment',
            name='waived',
            field=models.JSONField(blank=True, db_default={}, default=dict),
        ),
        migrations.AlterField(
            model_name='order',
            name='attention',
            field=models.CharField(blank=True, choices=[('', 'Nothing'), ('NOT_LINKED', 'A product is not linked'), ('PRODUCT_DELETED', 'A linked product is gone'), ('OUT_OF_STOCK', 'Out of stock in the store'), ('ADDRESS_NOT_RELEASED', 'No address yet'), ('ADDRESS_INVALID', 'The store refuses the address'), ('MONEY_MISMATCH', 'The money does not balance'), ('CURRENCY_MISMATCH', 'The currencies differ'), ('SHIPPING_UNMAPPED', 'The shipping method is not mapped'), ('CARRIER_UNMAPPED', 'The carrier is not mapped'), ('CARRIER_NOT_SUPPORTED', 'The source does not take this carrier'), ('TRACKING_INVALID', 'The tracking number was refused'), ('TRACKING_DUPLICATE', 'The tracking number is used elsewhere'), ('TRACKING_CHANGED', 'The tracking changed after it was sent'), ('TRACKING_EDIT_SPENT', 'The one change of tracking is spent'), ('STILL_ON_HOLD', 'Shipped while still on hold'), ('CANCEL_PENDING', 'The buyer asked to cancel'), ('ALREADY_CANCELLED', 'Cancelled at the source, still open in the store'), ('NOT_SELLER_SHIPPING', 'Not on Seller Shipping'), ('MIXED_FULFILMENT', 'Fulfilled from several places'), ('DUPLICATE_FOUND', 'The store already has this order'), ('AUTH_EXPIRED', 'The store has to be reconnected'), ('SCOPE_MISSING', 'A permission is missing'), ('RATE_LIMITED', 'The platform asks us to wait'), ('NOT_SUPPORTED', 'The store cannot take it as it is'), ('NO_ROUTE', 'No store takes these items'), ('REMOTE_ERROR', 'The platform refused'), ('UNKNOWN_STATUS', 'A status we do not know'), ('UNREADABLE', 'The order could not be read')], default='', max_length=24),
        ),
        migrations.AlterField(
            model_name='outboxitem',
            name='kind',
            field=models.CharField(choices=[('CHOOSE_STORES', 'Ask which stores have the items'), ('CREATE_ORDER', 'Create the order in the store'), ('HOLD_ORDER', 'Keep the order back in the store'), ('RELEASE_ORDER', 'Fill in the buyer and let the order go in the store'), ('CANCEL_ORDER', 'Cancel the order in the store'), ('PUSH_TRACKING', 'Send a tracking number to the source'), ('COPY_TRACKING', 'Write a parcel that the source shipped into the store'), ('EDIT_TRACKING', 'Change a tracking number at the source')], max_length=16),
        ),
        migrations.AddIndex(
            model_name='fulfillment',
            index=models.Index(condition=models.Q(('tracking_number', ''), _negated=True), fields=['tracking_number'], name='fulfillment_number'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(('attention__in', ['', 'NOT_LINKED', 'PRODUCT_DELETED', 'OUT_OF_STOCK', 'ADDRESS_NOT_RELEASED', 'ADDRESS_INVALID', 'MONEY_MISMATCH', 'CURRENCY_MISMATCH', 'SHIPPING_UNMAPPED', 'CARRIER_UNMAPPED', 'CARRIER_NOT_SUPPORTED', 'TRACKING_INVALID', 'TRACKING_DUPLICATE', 'TRACKING_CHANGED', 'TRACKING_EDIT_SPENT', 'STILL_ON_HOLD', 'CANCEL_PENDING', 'ALREADY_CANCELLED', 'NOT_SELLER_SHIPPING', 'MIXED_FULFILMENT', 'DUPLICATE_FOUND', 'AUTH_EXPIRED', 'SCOPE_MISSING', 'RATE_LIMITED', 'NOT_SUPPORTED', 'NO_ROUTE', 'REMOTE_ERROR', 'UNKNOWN_STATUS', 'UNREADABLE'])), name='order_attention_known'),
        ),
    ]
