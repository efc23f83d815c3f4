"""Web addresses of alerts stood in plain text in rules, in their versions and in deliveries: from here on they stand
encrypted in one row, and elsewhere by their mark. Taken back, the rules have no web address: it is entered anew."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from django.db import migrations
from django.utils.crypto import salted_hmac

from accounts.rowsecurity import SYSTEM_ROLE, shut_table

OLD, NEW = "webhook_url", "webhook_to"


def encrypt(apps: Any, _schema_editor: Any = None) -> None:
    """Move every address, as the role that sees every merchant. May be repeated."""
    address = apps.get_model("orders", "AlertAddress")

    def mark(merchant_id: int, url: str) -> str:
        row = {"merchant_id": merchant_id, "mark": mark_of(url)}
        if not address.objects.filter(**row).exists():
            address.objects.create(**row, url=url)
        return row["mark"]

    for merchant_id, kept in apps.get_model("orders", "MerchantRules").objects.values_list("merchant_id", "alerts"):
        if OLD in kept:
            moved = dict(_moved(kept.items(), merchant_id, mark))
            apps.get_model("orders", "MerchantRules").objects.filter(pk=merchant_id).update(alerts=moved)
    for version in apps.get_model("orders", "SettingsVersion").objects.filter(concern="ALERTS"):
        version.document = dict(_moved(version.document.items(), version.merchant_id, mark))
        for change in version.changes:
            if change["what"] == [OLD]:
                change["what"] = [NEW]
                for side in ("before", "after"):
                    change[side] = mark(version.merchant_id, change[side]) if change[side] else change[side]
        version.save(update_fields=["document", "changes"])
    for delivery in apps.get_model("orders", "AlertDelivery").objects.filter(channel="WEBHOOK", address__contains="://"):
        delivery.address = mark(delivery.merchant_id, delivery.address)
        delivery.save(update_fields=["address"])


def mark_of(url: str) -> str:
    """As orders/alert_addresses.py made it when this was written."""
    host = urlsplit(url).netloc.rpartition("@")[2][:255]
    return f"{host}#{salted_hmac('orders.alert_addresses', url, algorithm='sha256').hexdigest()[:12]}"


def _moved(
    pairs: Any, merchant_id: int, mark: Callable[[int, str], str]
) -> Iterator[tuple[str, Any]]:
    for name, value in pairs:
        if name != OLD:
            yield name, value
        elif value:
            yield NEW, mark(merchant_id, value)


class Migration(migrations.Migration):
    dependencies = [("orders", "0028_alert_addresses")]

    operations = [
        shut_table("orders_alertaddress"),
        migrations.RunSQL(f"set local role {SYSTEM_ROLE}", migrations.RunSQL.noop),
        migrations.RunPython(encrypt, migrations.RunPython.noop),
        migrations.RunSQL("reset role", migrations.RunSQL.noop),
    ]
