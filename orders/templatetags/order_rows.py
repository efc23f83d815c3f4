"""A row of the list of orders, drawn here and not by a template: fifty of them were four fifths of the page's time.

One order is 52 high on a wide screen, a card on a phone. A row is what orders/queries/rows.py shapes:
  id, version, external_id, url
  status, sync   {code, label, mark, tone}; marks in components/marks.html
  hold           {from, due} or None; drawn under On hold, else under the sync badge (an extra hold)
  request_text   "Cancellation requested", red; kind_text "Sample", gray
  mirrors        [{label "#4821", url, name "Shopify"}]; mirror_text stands in when there is none
  quantity, items_text, items_title (in full), items_more (a number or ""), sku_text
  buyer_name     None says "Not released"; buyer_place
  total_text, currency; ordered_at; ship_by or None; ship_note "Shipped", optional, instead of the countdown
  reason         {title, text, full, tone} or None; title is a word or two, full says both in a tooltip
  can_cancel     whether it can be cancelled with others
  is_outside     no longer fits the filter, optional
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import Any

from django import template
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime

from orders.badges import Badge

register = template.Library()

Row = Mapping[str, Any]
_MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@register.simple_tag
def order_row(row: Row, now: datetime, oob: bool = False, can_pick: bool = False) -> SafeString:
    """The row with its cells. `oob` is for a page that has it already: swapped by its id. `can_pick`: with a box to
    choose it by, which belongs to the form #picked."""
    today = localtime(now).date()
    outside, swap = " is-outside" if row.get("is_outside") else "", ' hx-swap-oob="true"' if oob else ""
    cells = (
        _pick(row) if can_pick else "", _order(row), _status(row), _sync(row), _mirror(row), _items(row), _buyer(row),
        f'<td class="cell-total" role="cell"><span class="line-1 money">{escape(row["total_text"])}</span></td>',
        _ordered(row, today), _ship(row, today), _reason(row),
    )  # fmt: skip
    return mark_safe(  # noqa: S308 - whatever came from outside is escaped where it is put in
        f'<tr class="order{outside}" id="order-{row["id"]}" data-row="{row["id"]}" data-version="{row["version"]}"'
        f' data-href="{escape(row["url"])}" role="row"{swap}>{"".join(cells)}</tr>'
    )


def badge(look: Badge, url: str = "") -> str:
    """As components/badge.html draws it."""
    mark = look.mark
    begin, end = (f'<a class="badge tone-{{}}{{}}" href="{escape(url)}">', "</a>") if url else (_SPAN, "</span>")
    shape = f'<svg class="mark mark--{mark}" aria-hidden="true"><use href="#mark-{mark}" /></svg>' if mark else ""
    begin = begin.format(look.tone, "" if mark else " badge--plain")
    return f'{begin}{shape}<span class="clip">{escape(look.label)}</span>{end}'


def hold(running: Mapping[str, datetime]) -> str:
    """As components/hold.html draws it."""
    due, begun = localtime(running["due"]), localtime(running["from"]).isoformat()
    return (
        f'<span class="hold">{_BAR}<time class="num" datetime="{due.isoformat()}" data-due="{due.isoformat()}"'
        f' data-hold-from="{begun}" title="{_day(due)}, {_hour(due, seconds=True)}">until {_hour(due)}</time></span>'
    )


_SPAN = '<span class="badge tone-{}{}">'
_BAR = (
    '<svg class="hold__bar" viewBox="0 0 36 4" aria-hidden="true"><rect class="hold__ground" width="36" height="4"'
    ' rx="2" /><rect class="hold__left" width="0" height="4" rx="2" /></svg>'
)


def _pick(row: Row) -> str:
    cancels = " data-cancels" if row["can_cancel"] else ""
    return (
        f'<td class="cell-pick" role="cell"><label class="pick"><input type="checkbox" name="order" form="picked"'
        f' id="pick-{row["id"]}" value="{row["id"]}" autocomplete="off" data-pick{cancels}'
        f' aria-label="Choose {escape(str(row["external_id"]))}"></label></td>'
    )


def _order(row: Row) -> str:
    number = escape(str(row["external_id"]))
    text, look = row["request_text"] or row["kind_text"], " is-request" if row["request_text"] else ""
    below = _line(text, title=text, look=f"line-2{look} clip") if text else ""
    return (
        f'<td class="cell-order" role="cell">'
        f'<a class="order__link" id="order-{row["id"]}-link" href="{escape(row["url"])}">'
        f'<span class="order-id">{number[:-6]}<b>{number[-6:]}</b></span></a>{below}</td>'
    )


def _status(row: Row) -> str:
    is_held = row["hold"] and row["status"].code == "ON_HOLD"
    return f'<td class="cell-status" role="cell">{badge(row["status"])}{hold(row["hold"]) if is_held else ""}</td>'


def _sync(row: Row) -> str:
    below = ""
    if row["hold"] and row["status"].code != "ON_HOLD":
        below = hold(row["hold"])
    elif row["reason"]:
        below = _line(row["reason"]["title"], title=row["reason"]["full"], look="line-2 cell-sync__reason clip")
    url = f"{row['url']}#attention" if row["sync"].mark == "warning" else ""
    return f'<td class="cell-sync" role="cell">{badge(row["sync"], url)}{below}</td>'


def _mirror(row: Row) -> str:
    if not row["mirrors"]:
        text = _line(row["mirror_text"], title=row["mirror_text"], look="line-1 clip muted")
        return f'<td class="cell-mirror" role="cell">{text}</td>'
    first, others = row["mirrors"][0], len(row["mirrors"]) - 1
    label, name = escape(first["label"]), escape(first["name"])
    return (
        f'<td class="cell-mirror" role="cell"><a class="line-1 clip" href="{escape(first["url"])}"'
        f' title="{label} in {name}">{label}</a>'
        f'<span class="line-2 clip">{name}{f", +{others}" if others else ""}</span></td>'
    )


def _items(row: Row) -> str:
    title, sku = escape(row["items_title"]), escape(row["sku_text"])
    more = f" · +{row['items_more']} more" if row["items_more"] else ""
    buyer = f" · {escape(row['buyer_name'])}" if row["buyer_name"] else ""
    return (
        f'<td class="cell-items" role="cell"><span class="line-1 clip" title="{title}">'
        f'<span class="muted num">{row["quantity"]} ×</span> {escape(row["items_text"])}</span>'
        f'<span class="line-2 clip" title="{sku}">{sku}{more}<span class="cell-items__buyer">{buyer}</span></span></td>'
    )


def _buyer(row: Row) -> str:
    if row["buyer_name"]:
        place = row["buyer_place"] or ""
        lines = _line(row["buyer_name"], title=row["buyer_name"], look="line-1 clip")
        lines += _line(place, title=place, look="line-2 clip")
    else:
        text = "–" if row["status"].code == "CANCELLED" else "Not released"
        lines = f'<span class="line-1 clip muted">{text}</span>'
    return f'<td class="cell-buyer" role="cell">{lines}</td>'


def _ordered(row: Row, today: Any) -> str:
    at = localtime(row["ordered_at"])
    above, below = (_hour(at), "Today") if at.date() == today else (_day(at), _hour(at))
    full = f"{_day(at)}, {at.year}, {_hour(at, seconds=True)}"
    return (
        f'<td class="cell-ordered num" role="cell"><span class="line-1">{above}</span><time class="line-2"'
        f' datetime="{at.isoformat()}" data-ago="{at.isoformat()}" title="{full}">{below}</time></td>'
    )


def _ship(row: Row, today: Any) -> str:
    if not row["ship_by"]:
        return '<td class="cell-ship num" role="cell"><span class="line-1 muted" aria-label="No deadline">–</span></td>'
    at = localtime(row["ship_by"])
    below = (
        f'<span class="line-2">{escape(row["ship_note"])}</span>'
        if row["ship_note"]
        else f'<time class="line-2 countdown" datetime="{at.isoformat()}" data-due="{at.isoformat()}"'
        f' title="Ship by {_day(at)}, {_hour(at)}">{_hour(at)}</time>'
    )
    day = "Today" if at.date() == today else _day(at)
    return f'<td class="cell-ship num" role="cell"><span class="line-1">{day}</span>{below}</td>'


def _reason(row: Row) -> str:
    reason, lines = row["reason"], ""
    if reason:
        red = " is-red" if reason["tone"] == "red" else ""
        lines = _line(reason["title"], title=reason["full"], look=f"line-1 clip{red}")
        lines += _line(reason["text"], title=reason["full"], look="line-2 clip")
    return f'<td class="cell-reason" role="cell">{lines}</td>'


def _line(text: str, *, title: str, look: str) -> str:
    return f'<span class="{look}" title="{escape(title)}">{escape(text)}</span>'


def _day(at: datetime) -> str:
    return f"{_MONTHS[at.month]} {at.day}"


def _hour(at: datetime, *, seconds: bool = False) -> str:
    return (
        f"{at.hour % 12 or 12}:{at.minute:02}{f':{at.second:02}' if seconds else ''} {'AM' if at.hour < 12 else 'PM'}"
    )
