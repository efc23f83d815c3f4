"use strict";
// Keeps the page in step with the sandbox, and never takes away what a person is typing.

const rows = document.getElementById("rows");
const said = document.getElementById("said");
let clock = { now: Number(document.body.dataset.now), frozen: document.body.dataset.frozen !== "", at: performance.now() };
let last = {};

function worldNow() {
  return clock.frozen ? clock.now : clock.now + (performance.now() - clock.at) / 1000;
}

function duration(seconds) {
  const whole = Math.max(0, Math.ceil(seconds));
  if (whole >= 86400) return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
  const parts = whole >= 3600 ? [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)] : [Math.floor(whole / 60)];
  return [...parts, whole % 60].map((part, index) => (index ? String(part).padStart(2, "0") : part)).join(":");
}

function showTimes() {
  const now = worldNow();
  for (const time of document.querySelectorAll("time[data-until]")) {
    time.textContent = duration(Number(time.dataset.until) - now);
  }
  for (const time of document.querySelectorAll("time[data-clock]")) {
    time.textContent = new Date(now * 1000).toLocaleTimeString("en-GB");
  }
}

// What is open, typed or focused within a part, found again by place once the part is replaced.
function fieldsOf(part) {
  const found = new Map();
  for (const field of part.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    const details = field.closest("details[data-keep]");
    found.set(`${details ? details.dataset.keep : ""}/${field.name}`, field);
  }
  return found;
}

function isChanged(field) {
  if (field.tagName === "SELECT") {
    return ![...field.options].every((option) => option.selected === option.defaultSelected);
  }
  return field.type === "checkbox" ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
}

function replace(part, html) {
  const open = [...part.querySelectorAll("details[open][data-keep]")].map((one) => one.dataset.keep);
  const typed = new Map();
  let focus = null;
  for (const [place, field] of fieldsOf(part)) {
    if (isChanged(field)) typed.set(place, field.type === "checkbox" ? field.checked : field.value);
    if (field === document.activeElement) {
      const range = field.type === "text" ? [field.selectionStart, field.selectionEnd] : null;
      focus = { place, range };
    }
  }
  part.innerHTML = html;
  for (const details of part.querySelectorAll("details[data-keep]")) {
    details.open = open.includes(details.dataset.keep);
  }
  const fields = fieldsOf(part);
  for (const [place, value] of typed) {
    const field = fields.get(place);
    if (!field) continue;
    if (field.type === "checkbox") field.checked = value;
    else field.value = value;
  }
  if (focus && fields.get(focus.place)) {
    fields.get(focus.place).focus({ preventScroll: true });
    if (focus.range) fields.get(focus.place).setSelectionRange(...focus.range);
  }
}

function showRows(list) {
  const known = new Map([...rows.children].map((row) => [row.dataset.key, row]));
  let before = null;
  for (const [key, html] of list) {
    let row = known.get(key);
    if (!row) {
      row = document.createElement("article");
      row.className = "row is-new";
      row.dataset.key = key;
      row.innerHTML = html;
    } else if (last[`row ${key}`] !== undefined && last[`row ${key}`] !== html) {
      replace(row, html);
      row.classList.remove("is-changed");
      void row.offsetWidth; // so that the animation runs again
      row.classList.add("is-changed");
    }
    last[`row ${key}`] = html;
    const wanted = before ? before.nextElementSibling : rows.firstElementChild;
    if (wanted !== row) rows.insertBefore(row, wanted);
    before = row;
    known.delete(key);
  }
  for (const [key, row] of known) {
    row.remove();
    delete last[`row ${key}`];
  }
}

function show(live) {
  clock = { now: live.now, frozen: live.frozen, at: performance.now() };
  for (const [id, html] of Object.entries(live.parts)) {
    const part = document.getElementById(id);
    const steady = id === "chips" ? html.replace(/(<time data-clock>)[^<]*/, "$1") : html;
    if (part && last[id] !== steady) {
      if (!part.contains(document.activeElement) || document.activeElement.tagName !== "BUTTON" || last[id] === undefined) {
        replace(part, html);
      } else {
        const place = [...part.querySelectorAll("button")].indexOf(document.activeElement);
        replace(part, html);
        part.querySelectorAll("button")[place]?.focus({ preventScroll: true });
      }
      last[id] = steady;
    }
  }
  showRows(live.rows);
  showTimes();
}

let asking = false;
async function refresh() {
  if (asking || document.hidden) return;
  asking = true;
  try {
    const answer = await fetch("/live", { cache: "no-store" });
    if (answer.ok) show(await answer.json());
    document.body.classList.toggle("is-lost", !answer.ok);
  } catch {
    document.body.classList.add("is-lost");
  } finally {
    asking = false;
  }
}

let saying;
function say(text, ok) {
  said.textContent = text;
  said.className = `said is-shown ${ok ? "" : "is-bad"}`;
  clearTimeout(saying);
  saying = setTimeout(() => (said.className = "said"), ok ? 3500 : 9000);
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  event.preventDefault();
  const content = new URLSearchParams(new FormData(form, event.submitter));
  const details = form.closest("details[data-keep]");
  try {
    const answer = await fetch(form.action, { method: "POST", body: content, headers: { Accept: "application/json" } });
    const result = await answer.json();
    say(result.said, result.ok);
    if (result.ok && form.popover) form.hidePopover();
    if (result.ok && details) details.open = false;
  } catch {
    say("The sandbox does not answer.", false);
  }
  await refresh();
});

if (said.textContent) say(said.textContent, true);
showTimes();
setInterval(showTimes, 250);
setInterval(refresh, 1000);
document.addEventListener("visibilitychange", refresh);
refresh();
