"""Which step of the checklist is open, kept for pages that only name it."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0020_catalog_readings'),
    ]

    operations = [
        migrations.AddField(
            model_name='setup',
            name='open_step',
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
    ]
