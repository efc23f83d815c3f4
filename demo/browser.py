"""A person at a browser: opens pages, fills in their forms, presses their buttons."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import requests

from demo.processes import DemoFailed


@dataclass
class Form:
    """A form as the page has it: where it leads and what is filled in."""

    action: str
    method: str = "get"
    values: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._is_inside = False
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(action=given.get("action", ""), method=given.get("method", "get").lower()))
            self._is_inside = True
        elif tag == "option" and self._select:
            if self._select not in self.forms[-1].values or "selected" in given:
                self.forms[-1].values[self._select] = given.get("value", "")
        elif not self._is_inside or not given.get("name"):
            return
        elif tag == "select":
            self._select = given["name"]
        elif tag == "textarea":
            self.forms[-1].values[given["name"]] = ""
        elif tag == "input" and given.get("type") in ("checkbox", "radio"):
            if "checked" in given:
                self.forms[-1].values[given["name"]] = given.get("value", "on")
        elif tag == "input":
            self.forms[-1].values[given["name"]] = given.get("value", "")
        elif tag == "button":
            self.forms[-1].buttons.append((given["name"], given.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_inside = False
        elif tag == "select":
            self._select = ""


def _plain(page: str) -> str:
    """The page's words."""
    words = re.sub(r"<(head|script|style|svg)\b.*?</\1>|<[^>]*>", " ", page, flags=re.DOTALL)
    return " ".join(words.split())[:600]


class Browser:
    """Keeps cookies and the page it is on."""

    def __init__(self) -> None:
        self.session = requests.Session()
        self.session.trust_env = False
        self.page: requests.Response | None = None

    def open(self, url: str) -> requests.Response:
        """Go to a page. Raises DemoFailed unless it is there."""
        return self._arrive(self.session.get(url, timeout=30))

    def submit(self, *, holding: str, press: tuple[str, str] | None = None, **filled: str) -> requests.Response:
        """Send the form of this page that has the field or button named `holding`, with these fields filled in."""
        assert self.page is not None
        parser = _Forms()
        parser.feed(self.page.text)
        fitting = [
            form
            for form in parser.forms
            if holding in form.values or holding in dict(form.buttons) or holding in form.action
        ]
        if not fitting:
            raise DemoFailed(f"The page {self.page.url} has no form with {holding}.")
        form = fitting[0]
        values = {**form.values, **filled, **(dict([press]) if press else {})}
        target = urljoin(self.page.url, form.action or self.page.url)
        headers = {"Referer": self.page.url}
        if form.method == "post":
            return self._arrive(self.session.post(target, data=values, headers=headers, timeout=60))
        return self._arrive(self.session.get(target, params=values, headers=headers, timeout=60))

    def _arrive(self, page: requests.Response) -> requests.Response:
        if page.status_code >= 400:
            raise DemoFailed(f"{page.request.method} {page.url} answers {page.status_code}: {_plain(page.text)}")
        self.page = page
        return page
