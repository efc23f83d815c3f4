"""Cancellations, returns, what became of them in the stores, and the settings of both."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_cache_table'),
        ('connectors', '0006_keep_delivery'),
        ('orders', '0023_locations_and_spellings'),
    ]

    operations = [
        migrations.CreateModel(
            name='Cancellation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('external_id', models.CharField(max_length=64)),
                ('status', models.CharField(choices=[('REQUESTED', 'Waits for your answer'), ('AGREED', 'Cancelled; the money is on its way'), ('REFUNDED', 'Cancelled, and the money is back'), ('WITHDRAWN', 'Over; the order goes on'), ('UNKNOWN', 'A status we do not know')], max_length=10)),
                ('status_text', models.CharField(blank=True, max_length=64)),
                ('is_request', models.BooleanField(default=False)),
                ('by', models.CharField(max_length=10)),
                ('reason', models.CharField(blank=True, max_length=120)),
                ('reason_text', models.CharField(blank=True, max_length=300)),
                ('lines', models.JSONField(blank=True, default=list)),
                ('refund', models.JSONField(blank=True, null=True)),
                ('restocks', models.BooleanField(blank=True, null=True)),
                ('created_at', models.DateTimeField()),
                ('updated_at', models.DateTimeField()),
                ('read_at', models.DateTimeField()),
                ('answer_by', models.DateTimeField(blank=True, null=True)),
                ('answer', models.CharField(blank=True, choices=[('', 'Not answered here'), ('ACCEPTED', 'Accepted'), ('REFUSED', 'Refused')], default='', max_length=8)),
                ('answer_reason', models.CharField(blank=True, max_length=120)),
                ('answer_comment', models.CharField(blank=True, max_length=300)),
                ('answer_rule', models.CharField(blank=True, max_length=80)),
                ('answered_by', models.CharField(blank=True, max_length=150)),
                ('answered_at', models.DateTimeField(blank=True, null=True)),
                ('answer_problem', models.CharField(blank=True, max_length=300)),
            ],
        ),
        migrations.CreateModel(
            name='Return',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('external_id', models.CharField(max_length=64)),
                ('kind', models.CharField(choices=[('REFUND', 'Refund without return'), ('RETURN', 'Return and refund'), ('REPLACEMENT', 'Replacement'), ('EXCHANGE', 'Exchange'), ('UNKNOWN', 'A kind we do not know')], max_length=12)),
                ('status', models.CharField(choices=[('REQUESTED', 'Waits for your answer'), ('BUYER_ASKED', 'The buyer has your offer'), ('TO_BE_SENT', 'The buyer is to send it back'), ('ON_THE_WAY', 'On its way back'), ('GOODS_REFUSED', 'You refused what arrived'), ('REFUSED', 'Refused; the buyer may appeal'), ('AGREED', 'Agreed; it is being settled'), ('COMPLETED', 'Completed'), ('WITHDRAWN', 'Over, without anything'), ('UNKNOWN', 'A status we do not know')], max_length=14)),
                ('status_text', models.CharField(blank=True, max_length=64)),
                ('by', models.CharField(max_length=10)),
                ('reason', models.CharField(blank=True, max_length=120)),
                ('reason_text', models.CharField(blank=True, max_length=300)),
                ('lines', models.JSONField(blank=True, default=list)),
                ('refund', models.JSONField(blank=True, null=True)),
                ('offered', models.BigIntegerField(blank=True, null=True)),
                ('decisions', models.JSONField(blank=True, default=list)),
                ('dispute', models.CharField(max_length=10)),
                ('keeps_goods', models.BooleanField(default=False)),
                ('carrier', models.CharField(blank=True, max_length=200)),
                ('tracking_number', models.CharField(blank=True, max_length=100)),
                ('is_quick_refund', models.BooleanField(default=False)),
                ('next_id', models.CharField(blank=True, max_length=64)),
                ('previous_id', models.CharField(blank=True, max_length=64)),
                ('new_order_id', models.CharField(blank=True, max_length=64)),
                ('created_at', models.DateTimeField()),
                ('updated_at', models.DateTimeField()),
                ('read_at', models.DateTimeField()),
                ('answer_by', models.DateTimeField(blank=True, null=True)),
                ('sent_back_at', models.DateTimeField(blank=True, null=True)),
                ('answer', models.JSONField(blank=True, default=dict)),
                ('answered_for', models.CharField(blank=True, max_length=300)),
                ('answered_by', models.CharField(blank=True, max_length=150)),
                ('answered_at', models.DateTimeField(blank=True, null=True)),
                ('answer_problem', models.CharField(blank=True, max_length=300)),
                ('restock', models.CharField(blank=True, choices=[('', 'Nothing to decide'), ('ASKED', 'Waits for your decision'), ('YES', 'Into the stock'), ('NO', 'Not into the stock')], default='', max_length=5)),
                ('restock_by', models.CharField(blank=True, max_length=150)),
            ],
        ),
        migrations.CreateModel(
            name='ReturnRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('external_id', models.CharField(blank=True, max_length=200)),
                ('name', models.CharField(blank=True, max_length=100)),
                ('url', models.CharField(blank=True, max_length=500)),
                ('step', models.CharField(blank=True, default='', max_length=8)),
                ('detail', models.CharField(blank=True, max_length=300)),
                ('refunded', models.BigIntegerField(blank=True, null=True)),
                ('refunded_at', models.DateTimeField(blank=True, null=True)),
                ('is_task', models.BooleanField(default=False)),
                ('settled_at', models.DateTimeField(blank=True, null=True)),
                ('settled_by', models.CharField(blank=True, max_length=150)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='order',
            name='order_attention_known',
        ),
        migrations.RemoveConstraint(
            model_name='settingsversion',
            name='settings_concern_known',
        ),
        migrations.AddField(
            model_name='lane',
            name='aftersales_until',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='mirror',
            name='is_paused',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='mirror',
            name='left_out',
            field=models.JSONField(blank=True, db_default=[], default=list),
        ),
        migrations.AddField(
            model_name='order',
            name='cancelled_lines',
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='order',
            name='replaces_id',
            field=models.CharField(blank=True, db_default='', default='', max_length=64),
        ),
        migrations.AddField(
            model_name='order',
            name='return_requested_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='setup',
            name='aftersales',
            field=models.JSONField(blank=True, db_default={}, default=dict),
        ),
        migrations.AlterField(
            model_name='order',
            name='attention',
            field=models.CharField(blank=True, choices=[('', 'Nothing'), ('NOT_LINKED', 'A product is not linked'), ('PRODUCT_DELETED', 'A linked product is gone'), ('OUT_OF_STOCK', 'Out of stock in the store'), ('ADDRESS_NOT_RELEASED', 'No address yet'), ('ADDRESS_INVALID', 'The store refuses the address'), ('MONEY_MISMATCH', 'The money does not balance'), ('CURRENCY_MISMATCH', 'The currencies differ'), ('SHIPPING_UNMAPPED', 'The shipping method is not mapped'), ('CARRIER_UNMAPPED', 'The carrier is not mapped'), ('CARRIER_NOT_SUPPORTED', 'The source does not take this carrier'), ('TRACKING_INVALID', 'The tracking number was refused'), ('TRACKING_DUPLICATE', 'The tracking number is used elsewhere'), ('TRACKING_CHANGED', 'The tracking changed after it was sent'), ('TRACKING_EDIT_SPENT', 'The one change of tracking is spent'), ('STILL_ON_HOLD', 'Shipped while still on hold'), ('CANCEL_PENDING', 'The buyer asked to cancel'), ('ALREADY_CANCELLED', 'Cancelled at the source, still open in the store'), ('RETURN_PENDING', 'The buyer asked for a refund before it was shipped'), ('REFUND_BY_HAND', 'A refund is to be noted in the store by hand'), ('NOT_SELLER_SHIPPING', 'Not on Seller Shipping'), ('MIXED_FULFILMENT', 'Fulfilled from several places'), ('DUPLICATE_FOUND', 'The store already has this order'), ('AUTH_EXPIRED', 'The store has to be reconnected'), ('SCOPE_MISSING', 'A permission is missing'), ('RATE_LIMITED', 'The platform asks us to wait'), ('NOT_SUPPORTED', 'The store cannot take it as it is'), ('NO_ROUTE', 'No store takes these items'), ('REMOTE_ERROR', 'The platform refused'), ('UNKNOWN_STATUS', 'A status we do not know'), ('UNREADABLE', 'The order could not be read')], default='', max_length=24),
        ),
        migrations.AlterField(
            model_name='outboxitem',
            name='kind',
            field=models.CharField(choices=[('CHOOSE_STORES', 'Ask which stores have the items'), ('CREATE_ORDER', 'Create the order in the store'), ('HOLD_ORDER', 'Keep the order back in the store'), ('RELEASE_ORDER', 'Fill in the buyer and let the order go in the store'), ('MOVE_ORDER', 'Give the order to its location in the store'), ('CANCEL_ORDER', 'Cancel the order in the store'), ('PUSH_TRACKING', 'Send a tracking number to the source'), ('COPY_TRACKING', 'Write a parcel that the source shipped into the store'), ('EDIT_TRACKING', 'Change a tracking number at the source'), ('PAUSE_ORDER', "Stop the order's fulfillment in the store while a request is open"), ('RESUME_ORDER', "Let the order's fulfillment go on in the store"), ('CANCEL_LINES', "Cancel some of the order's items in the store"), ('RECORD_RETURN', 'Write down in the store that goods come back'), ('CLOSE_RETURN', 'Close a return in the store'), ('RECORD_REFUND', 'Write a refund down in the store, where no money moves'), ('READ_CANCELS', "Read the order's cancellations at the source"), ('ANSWER_CANCEL', "Answer a buyer's request to cancel at the source"), ('ANSWER_RETURN', 'Answer a return at the source'), ('CANCEL_AT_SOURCE', 'Cancel the order, or items of it, at the source')], max_length=16),
        ),
        migrations.AlterField(
            model_name='settingsversion',
            name='concern',
            field=models.CharField(choices=[('ROUTES', 'Routes'), ('RULES', 'Rules'), ('SHIPPING', 'Shipping methods'), ('CARRIERS', 'Carriers'), ('LINKS', 'Product links'), ('STORE', 'Store options'), ('SYNC', 'Order sync'), ('AFTERSALES', 'Cancellations and returns')], max_length=10),
        ),
        migrations.AddIndex(
            model_name='order',
            index=models.Index(condition=models.Q(('replaces_id', ''), _negated=True), fields=['source_store', 'replaces_id'], name='order_replacing'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(('attention__in', ['', 'NOT_LINKED', 'PRODUCT_DELETED', 'OUT_OF_STOCK', 'ADDRESS_NOT_RELEASED', 'ADDRESS_INVALID', 'MONEY_MISMATCH', 'CURRENCY_MISMATCH', 'SHIPPING_UNMAPPED', 'CARRIER_UNMAPPED', 'CARRIER_NOT_SUPPORTED', 'TRACKING_INVALID', 'TRACKING_DUPLICATE', 'TRACKING_CHANGED', 'TRACKING_EDIT_SPENT', 'STILL_ON_HOLD', 'CANCEL_PENDING', 'ALREADY_CANCELLED', 'RETURN_PENDING', 'REFUND_BY_HAND', 'NOT_SELLER_SHIPPING', 'MIXED_FULFILMENT', 'DUPLICATE_FOUND', 'AUTH_EXPIRED', 'SCOPE_MISSING', 'RATE_LIMITED', 'NOT_SUPPORTED', 'NO_ROUTE', 'REMOTE_ERROR', 'UNKNOWN_STATUS', 'UNREADABLE'])), name='order_attention_known'),
        ),
        migrations.AddConstraint(
            model_name='settingsversion',
            constraint=models.CheckConstraint(condition=models.Q(('concern__in', ['ROUTES', 'RULES', 'SHIPPING', 'CARRIERS', 'LINKS', 'STORE', 'SYNC', 'AFTERSALES'])), name='settings_concern_known'),
        ),
        migrations.AddField(
            model_name='cancellation',
            name='merchant',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.merchant'),
        ),
        migrations.AddField(
            model_name='cancellation',
            name='order',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='cancellations', to='orders.order'),
        ),
        migrations.AddField(
            model_name='cancellation',
            name='store',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='cancellations', to='connectors.connectedstore'),
        ),
        migrations.AddField(
            model_name='return',
            name='merchant',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.merchant'),
        ),
        migrations.AddField(
            model_name='return',
            name='order',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='returns', to='orders.order'),
        ),
        migrations.AddField(
            model_name='return',
            name='replacement',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='replaces', to='orders.order'),
        ),
        migrations.AddField(
            model_name='return',
            name='store',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='returns', to='connectors.connectedstore'),
        ),
        migrations.AddField(
            model_name='returnrecord',
            name='case',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='records', to='orders.return'),
        ),
        migrations.AddField(
            model_name='returnrecord',
            name='merchant',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.merchant'),
        ),
        migrations.AddField(
            model_name='returnrecord',
            name='mirror',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='return_records', to='orders.mirror'),
        ),
        migrations.AddIndex(
            model_name='cancellation',
            index=models.Index(condition=models.Q(('is_request', True), ('status', 'REQUESTED')), fields=['merchant', 'answer_by'], name='cancellation_to_answer'),
        ),
        migrations.AddConstraint(
            model_name='cancellation',
            constraint=models.UniqueConstraint(fields=('store', 'external_id'), name='cancellation_once'),
        ),
        migrations.AddConstraint(
            model_name='cancellation',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['REQUESTED', 'AGREED', 'REFUNDED', 'WITHDRAWN', 'UNKNOWN'])), name='cancellation_status_known'),
        ),
        migrations.AddIndex(
            model_name='return',
            index=models.Index(fields=['merchant', '-created_at', '-id'], name='return_list'),
        ),
        migrations.AddIndex(
            model_name='return',
            index=models.Index(condition=models.Q(('answer_by__isnull', False)), fields=['merchant', 'answer_by'], name='return_to_answer'),
        ),
        migrations.AddConstraint(
            model_name='return',
            constraint=models.UniqueConstraint(fields=('store', 'external_id'), name='return_once'),
        ),
        migrations.AddConstraint(
            model_name='return',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['REQUESTED', 'BUYER_ASKED', 'TO_BE_SENT', 'ON_THE_WAY', 'GOODS_REFUSED', 'REFUSED', 'AGREED', 'COMPLETED', 'WITHDRAWN', 'UNKNOWN'])), name='return_status_known'),
        ),
        migrations.AddConstraint(
            model_name='return',
            constraint=models.CheckConstraint(condition=models.Q(('restock__in', ['', 'ASKED', 'YES', 'NO'])), name='return_restock_known'),
        ),
        migrations.AddConstraint(
            model_name='returnrecord',
            constraint=models.UniqueConstraint(fields=('case', 'mirror'), name='return_record_once'),
        ),
    ]
