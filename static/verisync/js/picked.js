/* Rows of the list of orders are chosen: by box, by Shift and a box, by x and Shift+x. The bar counts them, and its
   button says for how many of them it works. Without this file boxes and button work all the same. */
(() => {
  "use strict";

  const bar = document.getElementById("picked");
  if (!bar) return;
  const boxes = () => [...document.querySelectorAll("#orders [data-pick]")];
  const all = document.querySelector("[data-pick-all]"), rest = document.querySelector("[data-pick-rest]");
  const count = bar.querySelector("[data-picked-count]"), cancel = bar.querySelector("[data-picked-cancel]");
  const what = cancel.querySelector("[data-picked-what]");
  let chosen = new Set(), anchor = null;

  const draw = () => {
    const shown = boxes(), picked = shown.filter((box) => box.checked);
    const fit = picked.filter((box) => "cancels" in box.dataset).length;
    chosen = new Set(picked.map((box) => box.id));
    all.checked = picked.length > 0 && picked.length === shown.length;
    all.indeterminate = picked.length > 0 && picked.length < shown.length;
    rest.hidden = picked.length === shown.length;
    count.textContent = picked.length ? `${picked.length} chosen` : "";
    what.textContent = fit === picked.length ? `Cancel ${fit}` : `Cancel ${fit} of ${picked.length}`;
    cancel.disabled = !fit;
    cancel.title = fit ? "" : "What is shipped, unpaid or over cannot be cancelled";
  };

  // The boxes from the last one chosen to this one become as this one is.
  const choose = (box, isRange) => {
    const shown = boxes(), from = isRange && anchor ? shown.findIndex((each) => each.id === anchor) : -1;
    const to = shown.indexOf(box);
    if (from >= 0) for (const each of shown.slice(Math.min(from, to), Math.max(from, to) + 1)) each.checked = box.checked;
    anchor = box.id;
    draw();
  };
  const chooseAll = (isChosen) => {
    for (const box of boxes()) box.checked = isChosen;
    draw();
  };

  let isShifted = false;
  document.addEventListener("click", (event) => { isShifted = event.shiftKey; }, true);
  document.addEventListener("change", (event) => {
    if (event.target === all) chooseAll(all.checked);
    else if (event.target.matches?.("[data-pick]")) choose(event.target, isShifted);
  });
  rest.addEventListener("click", () => chooseAll(true));
  bar.addEventListener("reset", () => setTimeout(() => { chooseAll(false); (all.offsetParent ? all : boxes()[0])?.focus(); }));

  const keysAreOn = () => { try { return localStorage.getItem("keys") !== "off"; } catch { return true; } };
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.matches("input:not([type=checkbox], [type=radio]), select, textarea");
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape" && chosen.size && !document.querySelector("details.menu[open]")) chooseAll(false);
    const row = document.activeElement?.closest(".order") ?? document.querySelector(".order.is-active");
    const box = row?.querySelector("[data-pick]");
    if (event.key.toLowerCase() !== "x" || !box || !keysAreOn()) return;
    box.checked = event.shiftKey && anchor ? true : !box.checked;
    choose(box, event.shiftKey);
  });

  // A row that is swapped for its newer self stays chosen.
  document.addEventListener("htmx:oobAfterSwap", (event) => {
    const fresh = event.target.isConnected && event.target.querySelector?.("[data-pick]");
    if (!fresh) return;
    fresh.checked = chosen.has(fresh.id);
    draw();
  });
  window.addEventListener("pageshow", draw);
  draw();
})();
