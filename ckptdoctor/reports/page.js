"use strict";
const search = document.querySelector("#search");
const found = document.querySelector("#found");
const layers = [...document.querySelectorAll("details.layer")].map((element) => {
  const names = [...element.querySelectorAll("summary .name")].map((name) => name.textContent).join("/ ");
  const rows = [...element.querySelectorAll("tbody tr")].map((row) => ({
    row,
    text: `${names}/${row.textContent}`.toLowerCase(),
    status: row.className,
  }));
  return { element, open: element.open, rows };
});
const wanted = new Set([...document.querySelectorAll("button[data-status]")].map((button) => button.dataset.status));
const filtered = wanted.size > 0;
let waiting = 0;

function show() {
  waiting = 0;
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const layer of layers) {
    let any = false;
    for (const { row, text, status } of layer.rows) {
      const hit = (!filtered || wanted.has(status)) && words.every((word) => text.includes(word));
      if (row.hidden === hit) row.hidden = !hit;
      if (hit) { any = true; count += 1; }
    }
    if (layer.element.hidden === any) layer.element.hidden = !any;
    const open = words.length ? any : layer.open;
    if (layer.element.open !== open) layer.element.open = open;
  }
  found.value = `${count.toLocaleString("en")} variable${count === 1 ? "" : "s"}`;
}

function later() { if (!waiting) waiting = requestAnimationFrame(show); }

function copied(button, done) {
  button.textContent = done ? "copied" : "press Ctrl+C";
  document.querySelector("#said").textContent = done ? "Copied" : "Selected";
  setTimeout(() => { button.textContent = "copy"; }, 1500);
}

async function copy(button) {
  const pre = button.parentElement.querySelector("pre");
  try {
    await navigator.clipboard.writeText(pre.textContent);
    copied(button, true);
  } catch {
    getSelection().selectAllChildren(pre);
    copied(button, document.execCommand("copy"));
  }
}

function step(direction) {
  const rows = [...document.querySelectorAll("tr.mismatched, tr.missing, tr.renamed")].filter((row) => !row.hidden);
  if (!rows.length) return;
  const at = rows.findIndex((row) => row === document.activeElement);
  const row = rows[(at + direction + rows.length + (at < 0 && direction < 0 ? 1 : 0)) % rows.length];
  row.closest("details").open = true;
  row.tabIndex = -1;
  row.focus();
  row.scrollIntoView({ block: "center" });
}

search.addEventListener("input", later);
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.status) {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", on);
    if (on) wanted.add(button.dataset.status); else wanted.delete(button.dataset.status);
    later();
  } else if (button?.dataset.open) {
    for (const layer of layers) layer.open = layer.element.open = button.dataset.open === "all";
  } else if (button) {
    copy(button);
  }
  const link = event.target.closest("a[href^='#v']");
  if (link) document.querySelector(link.getAttribute("href")).closest("details").open = true;
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target === search;
  if (event.key === "/" && !typing) { event.preventDefault(); search.focus(); search.select(); }
  else if (event.key === "Escape" && typing) { search.value = ""; later(); }
  else if ((event.key === "n" || event.key === "p") && !typing) { event.preventDefault(); step(event.key === "n" ? 1 : -1); }
});
show();
