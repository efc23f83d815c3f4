/* VeriSync in the browser: one timer for every countdown, live rows, keyboard.
   Pages read and single actions work without it. No eval, no inline style. */
(() => {
  "use strict";

  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

  // ---- The server's clock ---------------------------------------------------
  const serverTime = Date.parse($('meta[name="server-time"]')?.content ?? "");
  const startedAt = performance.timeOrigin + (performance.getEntriesByType("navigation")[0]?.responseStart ?? 0);
  const offset = Number.isNaN(serverTime) ? 0 : serverTime - startedAt;
  const now = () => Date.now() + offset;

  // ---- Countdowns -----------------------------------------------------------
  const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
  const two = (n) => String(n).padStart(2, "0");
  const minutesAndSeconds = (ms) => {
    const seconds = Math.ceil(ms / SECOND);
    return seconds < 3600
      ? `${two(Math.floor(seconds / 60))}:${two(seconds % 60)}`
      : `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  };
  const daysOrHours = (ms) => {
    const days = Math.floor(ms / DAY), hours = Math.floor((ms % DAY) / HOUR), minutes = Math.floor((ms % HOUR) / MINUTE);
    if (days) return hours ? `${days} d ${hours} h` : `${days} d`;
    if (hours) return minutes ? `${hours} h ${minutes} m` : `${hours} h`;
    return `${minutes} m`;
  };
  const deadline = (ms) => {
    if (ms < 0) return { text: `Late ${daysOrHours(-ms)}`, state: "is-late" };
    if (ms < 4 * HOUR) return { text: minutesAndSeconds(ms), state: "is-near" };
    if (ms < DAY) return { text: daysOrHours(ms), state: "is-soon" };
    return { text: daysOrHours(ms), state: "" };
  };
  const ago = (ms) => {
    if (ms < 5 * SECOND) return "just now";
    if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s ago`;
    if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min ago`;
    return `${Math.floor(ms / HOUR)} h ago`;
  };
  const write = (element, text) => { if (element.textContent !== text) element.textContent = text; };

  const drawHold = (element, left) => {
    const from = Date.parse(element.dataset.holdFrom), due = Date.parse(element.dataset.due);
    // Only TikTok's status ends a hold, so at zero we say that we are asking.
    write(element, left > 0 ? `${minutesAndSeconds(left)} left` : "Checking…");
    const bar = $(".hold__left", element.parentElement);
    if (!bar) return;
    const share = due > from ? Math.max(0, Math.min(1, left / (due - from))) : 0;
    bar.setAttribute("width", String(Math.round(share * 360) / 10));
  };

  const RING = 2 * Math.PI * 22;
  const drawRing = (element, left) => {
    const whole = (Number(element.dataset.hours) || 24) * HOUR;
    const share = Math.max(0, Math.min(1, left / whole));
    $(".ring__left", element).setAttribute("stroke-dasharray", `${(share * RING).toFixed(1)} ${RING.toFixed(1)}`);
    write($(".ring__text", element), left >= HOUR ? `${Math.floor(left / HOUR)} h` : `${Math.max(0, Math.floor(left / MINUTE))} m`);
  };

  const spoken = new Map();
  const announce = (element, left) => {
    // Countdowns are silent for screen readers but at 24 h, 4 h and 0.
    const step = left <= 0 ? "is over" : left <= 4 * HOUR ? "ends in 4 hours" : left <= DAY ? "ends in 24 hours" : "";
    const key = element.dataset.announce, before = spoken.get(key);
    spoken.set(key, step);
    if (before !== undefined && before !== step && step) $("#spoken").textContent = `${key} ${step}`;
  };

  const draw = () => {
    const at = now();
    let isFast = false;
    for (const element of $$("[data-due]")) {
      const left = Date.parse(element.dataset.due) - at;
      if (Number.isNaN(left)) continue;
      if (left > 0 && left < 4 * HOUR) isFast = true;
      if (element.dataset.holdFrom) drawHold(element, left);
      else if (element.hasAttribute("data-ring")) drawRing(element, left);
      else if (element.hasAttribute("data-clock")) write(element, left > 0 ? minutesAndSeconds(left) : "a moment");
      else {
        const { text, state } = deadline(left);
        write(element, text);
        for (const name of ["is-soon", "is-near", "is-late"]) element.classList.toggle(name, name === state);
        if (element.dataset.announce) announce(element, left);
      }
    }
    for (const element of $$("[data-ago]")) {
      const passed = at - Date.parse(element.dataset.ago);
      if (passed >= -MINUTE && passed < DAY) write(element, ago(Math.max(0, passed)));
      if (passed < MINUTE) isFast = true;
    }
    return isFast;
  };

  let isDrawing = false;
  const drawSoon = () => {
    if (isDrawing) return;
    isDrawing = true;
    queueMicrotask(() => { isDrawing = false; tick(); });
  };

  let timer = 0;
  const tick = () => {
    clearTimeout(timer);
    if (document.hidden) return;
    const isFast = draw();
    timer = setTimeout(tick, isFast ? SECOND - (now() % SECOND) + 5 : Math.min(MINUTE, MINUTE - (now() % MINUTE)) + 5);
  };

  // ---- Live: poll, flash, Live dot -----------------------------------------
  const POLL_EVERY = 2 * SECOND, LOST_AFTER = 10 * SECOND;
  const live = () => $("#live");
  let answeredAt = Date.now(), isAsking = false, openIds = new Set(), activeRow = null;

  const poll = () => {
    const element = live();
    if (!element || document.hidden || isAsking || !window.htmx) return;
    window.htmx.trigger(element, "poll");
  };
  const drawLive = () => {
    const dot = $("[data-live]");
    if (!dot || !live()) return;
    const silence = Date.now() - answeredAt, isLost = silence > LOST_AFTER && !document.hidden;
    dot.hidden = false;
    dot.classList.toggle("is-lost", isLost);
    // Said to screen readers once, drawn every second.
    const text = $(".live__text", dot), wasLost = text.dataset.lost === "yes";
    text.setAttribute("aria-live", isLost && wasLost ? "off" : "polite");
    text.dataset.lost = isLost ? "yes" : "no";
    write(text, isLost ? `Reconnecting, last change ${ago(silence)}` : "Live");
  };

  document.addEventListener("htmx:configRequest", (event) => {
    const element = event.detail.elt;
    if (element.id !== "live" || !element.dataset.rows) return;
    event.detail.parameters.rows = $$(`${element.dataset.rows} [data-row], ${element.dataset.rows}[data-row]`)
      .map((row) => `${row.dataset.row}:${row.dataset.version}`).join(",");
  });
  document.addEventListener("htmx:beforeRequest", (event) => { if (event.detail.elt.id === "live") isAsking = true; });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.elt.id !== "live") return;
    isAsking = false;
    if (event.detail.successful) answeredAt = Date.now();
    const status = event.detail.xhr?.status;
    // Signed out meanwhile: the page the server sends instead is not ours to swap.
    if (status === 401 || status === 403) location.reload();
    drawLive();
  });

  // What a reader opened, typed or has in focus outlives every swap.
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    const target = event.detail.target;
    const focused = document.activeElement;
    if (focused && target.contains(focused) && focused.matches("input:not([type=hidden], [data-pick]), select, textarea")) {
      event.detail.shouldSwap = false;
      return;
    }
    openIds = new Set($$("details[open][id]", target).map((details) => details.id));
  });
  document.addEventListener("htmx:oobAfterSwap", (event) => {
    // Told once per element swapped so far; only the newest concerns us.
    const fresh = event.target;
    if (!fresh.id || fresh.id !== event.detail.target.id || !fresh.isConnected) return;
    for (const id of openIds) {
      const details = document.getElementById(id);
      if (details) details.open = true;
    }
    prepare(fresh);
    if (fresh.matches("[data-row][data-href], [data-flash]")) {
      fresh.classList.add("is-changed");
      setTimeout(() => fresh.classList.remove("is-changed"), 2000);
      if (fresh.id === activeRow) fresh.classList.add("is-active");
    }
    drawSoon();
  });

  // ---- Menus, dialogs, toasts ----------------------------------------------
  const sidebar = () => $("#sidebar");
  const openSidebar = (isOpen) => {
    const panel = sidebar(), button = $("[data-menu]");
    if (!panel || !button) return;
    panel.classList.toggle("is-open", isOpen);
    button.setAttribute("aria-expanded", String(isOpen));
    (isOpen ? $("a.nav__link", panel) : button)?.focus();
  };

  const confirmed = new WeakSet();
  const ask = (form, submitter) => {
    const dialog = $("#confirm"), yes = $("[data-confirm-yes]", dialog);
    $("#confirm-title").textContent = form.dataset.confirm;
    $("[data-confirm-text]", dialog).textContent = form.dataset.confirmText ?? "";
    yes.textContent = submitter?.textContent.trim().replace(/…$/, "") || "Go on";
    dialog.addEventListener("close", () => {
      if (dialog.returnValue !== "yes") return;
      confirmed.add(form);
      form.requestSubmit(submitter);
    }, { once: true });
    dialog.returnValue = "no";
    dialog.showModal();
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.confirm && !confirmed.has(form)) {
      event.preventDefault();
      ask(form, event.submitter);
      return;
    }
    const button = event.submitter;
    if (!form.dataset.busy || !button || button.hasAttribute("data-quiet")) return;
    // After the form's data was read, or the button's own value would be lost.
    setTimeout(() => {
      button.disabled = true;
      button.classList.add("is-busy");
      button.textContent = `${form.dataset.busy}…`;
    });
  });
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  const copy = async (button) => {
    const text = button.dataset.copy ?? $(button.dataset.copyFrom)?.innerText ?? "";
    try { await navigator.clipboard.writeText(text); } catch { return; }
    button.classList.add("is-done");
    $("#spoken").textContent = "Copied";
    setTimeout(() => button.classList.remove("is-done"), 1500);
  };

  document.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest(selector);
    const menuButton = at("[data-menu]");
    if (menuButton) { event.preventDefault(); openSidebar(!sidebar().classList.contains("is-open")); return; }
    if (at("[data-menu-close]") || (sidebar()?.classList.contains("is-open") && !at("#sidebar"))) { event.preventDefault(); openSidebar(false); return; }

    for (const menu of $$("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;

    const copyButton = at("[data-copy], [data-copy-from]");
    if (copyButton) { copy(copyButton); return; }
    const dismiss = at("[data-dismiss]");
    if (dismiss) { dismiss.closest(dismiss.dataset.dismiss).remove(); return; }
    const opener = at("[data-open-dialog]");
    if (opener) { opener.closest("details")?.removeAttribute("open"); document.getElementById(opener.dataset.openDialog).showModal(); return; }
    const theme = at("[data-theme-set]");
    if (theme) { setTheme(theme.dataset.themeSet); return; }
    if (event.target instanceof HTMLDialogElement) event.target.close();
  });

  const setTheme = (theme) => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    const age = theme ? 31536000 : 0, secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `theme=${theme}; path=/; max-age=${age}; samesite=lax${secure}`;
    drawTheme();
  };
  const drawTheme = () => {
    for (const button of $$("[data-theme-set]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeSet === (document.documentElement.dataset.theme ?? "")));
    }
  };

  // ---- Keyboard -------------------------------------------------------------
  const keysAreOn = () => { try { return localStorage.getItem("keys") !== "off"; } catch { return true; } };
  let goUntil = 0;

  const move = (step) => {
    const rows = $$("[data-row][data-href]");
    if (!rows.length) return;
    const index = rows.findIndex((row) => row.id === activeRow);
    const next = rows[Math.max(0, Math.min(rows.length - 1, index < 0 ? (step > 0 ? 0 : rows.length - 1) : index + step))];
    for (const row of rows) row.classList.toggle("is-active", row === next);
    activeRow = next.id;
    $(".order__link", next)?.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  };

  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.matches("input:not([type=checkbox], [type=radio]), select, textarea");
    if (event.key === "Escape") {
      if (sidebar()?.classList.contains("is-open")) { openSidebar(false); return; }
      const open = $$("details.menu[open]");
      if (open.length) { for (const menu of open) { menu.open = false; $("summary", menu).focus(); } return; }
      if (isTyping) event.target.blur();
      else { activeRow = null; for (const row of $$(".is-active")) row.classList.remove("is-active"); }
      return;
    }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.form) { event.target.form.requestSubmit(); return; }
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]") || !keysAreOn()) return;

    if (goUntil > Date.now()) {
      goUntil = 0;
      const link = $(`[data-go="${CSS.escape(event.key.toLowerCase())}"]`);
      if (link) { event.preventDefault(); location.assign(link.href); }
      return;
    }
    switch (event.key) {
      case "/": {
        const fields = $$("[data-search]").filter((field) => field.offsetParent);
        const field = fields.at(-1);
        if (field) { event.preventDefault(); field.focus(); field.select(); }
        break;
      }
      case "j": move(1); break;
      case "k": move(-1); break;
      case "g": goUntil = Date.now() + 1200; break;
      case "f": $(".filter summary")?.focus(); break;
      case "[": $('a[rel="prev"]')?.click(); break;
      case "]": $('a[rel="next"]')?.click(); break;
      case "?": $("#keys")?.showModal(); break;
      case "Enter":
        if (activeRow && event.target === document.body) location.assign(document.getElementById(activeRow).dataset.href);
        break;
    }
  });
  document.addEventListener("focusin", (event) => {
    const row = event.target.closest("[data-row][data-href]");
    if (row) activeRow = row.id;
  });

  // ---- Lists that can be narrowed while typing ------------------------------
  document.addEventListener("input", (event) => {
    const list = event.target.dataset?.narrows && document.getElementById(event.target.dataset.narrows);
    if (!list) return;
    const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const item of $$("[data-narrow]", list)) {
      item.hidden = !words.every((word) => item.textContent.toLowerCase().includes(word));
      if (!item.hidden) shown += 1;
    }
    const count = $("[data-narrow-count]", event.target.parentElement);
    if (count) count.textContent = String(shown);
  });

  // ---- Redacted values become gray tags -------------------------------------
  const tagRedacted = (pre) => {
    for (const node of [...pre.childNodes]) {
      if (node.nodeType !== Node.TEXT_NODE) continue;
      const parts = node.data.split(/("?[[<]redacted[\]>]"?)/i);
      if (parts.length < 2) continue;
      node.replaceWith(...parts.map((part, index) => {
        if (index % 2 === 0) return document.createTextNode(part);
        const tag = document.createElement("span");
        tag.className = "redacted";
        tag.textContent = "redacted";
        return tag;
      }));
    }
  };

  // ---- Start ----------------------------------------------------------------
  const prepare = (root) => {
    for (const pre of $$("pre[data-json]", root)) tagRedacted(pre);
    for (const field of $$("[data-needs-script]", root)) field.hidden = false;
  };

  const start = () => {
    const voice = document.createElement("div");
    voice.id = "spoken";
    voice.className = "hidden-text";
    voice.setAttribute("role", "status");
    document.body.append(voice);

    for (const avatar of $$("[data-initials]")) {
      const words = avatar.dataset.initials.split(/\s+/).filter(Boolean);
      avatar.textContent = words.slice(0, 2).map((word) => word[0].toUpperCase()).join("");
    }
    const menuButton = $("[data-menu]");
    if (menuButton) { menuButton.setAttribute("role", "button"); menuButton.setAttribute("aria-expanded", "false"); menuButton.setAttribute("aria-controls", "sidebar"); }
    for (const element of $$("[data-theme-choice], [data-open-dialog]")) element.hidden = false;
    for (const toast of $$("[data-toast]")) if (toast.dataset.toast !== "stays") setTimeout(() => { if (!toast.matches(":hover, :focus-within")) toast.remove(); }, 6000);
    const keySwitch = $("[data-keys-switch]");
    if (keySwitch) {
      keySwitch.checked = keysAreOn();
      keySwitch.addEventListener("change", () => { try { localStorage.setItem("keys", keySwitch.checked ? "on" : "off"); } catch { /* private mode */ } });
    }
    if (location.hash === "#attention") $("#attention")?.focus?.();
    for (const tab of $$(".tabs > .is-current")) {
      const bar = tab.parentElement;
      bar.scrollLeft = tab.getBoundingClientRect().left - bar.getBoundingClientRect().left - 24;
    }

    drawTheme();
    prepare(document);
    tick();
    drawLive();
    setInterval(() => { poll(); drawLive(); }, POLL_EVERY);
  };

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { clearTimeout(timer); return; }
    answeredAt = Date.now();
    tick();
    poll();
  });
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
