"use strict";

// What works without a script is on the page already; here is what a script makes quicker.

// "/" goes to the search box, from wherever nobody is writing.
document.addEventListener("keydown", (event) => {
  const isWriting = event.target.closest("input, textarea, select, [contenteditable]");
  const box = document.querySelector("[data-slash]");
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isWriting || !box) return;
  event.preventDefault();
  box.focus();
  box.select();
});

// A box of one line would run the lines of a pasted list together.
document.addEventListener("paste", (event) => {
  const box = event.target.closest("input[type=search]");
  const text = event.clipboardData.getData("text").trim();
  if (!box || !/[\r\n]/.test(text)) return;
  event.preventDefault();
  box.setRangeText(text.split(/\s*[\r\n]+\s*/).join(", "), box.selectionStart, box.selectionEnd, "end");
});

function button(text, label) {
  const made = document.createElement("button");
  Object.assign(made, { type: "button", className: "copy", textContent: text });
  made.setAttribute("aria-label", label);
  return made;
}

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea"); // where there is no TLS
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

for (const place of document.querySelectorAll("[data-copy]")) {
  const made = button("Copy", `Copy ${place.dataset.what} ${place.dataset.copy}`.trim());
  made.addEventListener("click", async () => {
    await copy(place.dataset.copy || document.getElementById(place.dataset.of).textContent);
    made.textContent = "Copied";
    setTimeout(() => (made.textContent = "Copy"), 2000);
  });
  place.append(made);
}

for (const place of document.querySelectorAll("[data-print]")) {
  const made = button("Print", "Print this page");
  made.addEventListener("click", () => print());
  place.append(made);
}

async function part(name, address) {
  const asked = new URL(address, location.href);
  asked.searchParams.set("part", name);
  const answer = await fetch(asked, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) throw new Error("another page");
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

// Paging and narrowing change the history alone; the rest of the page stays as it is.
async function show(address, isBack = false) {
  try {
    const made = await part("history", address);
    document.getElementById("history").replaceWith(made.getElementById("history"));
    if (!isBack) history.pushState({}, "", address);
    const place = document.getElementById("history");
    place.focus({ preventScroll: true });
    place.scrollIntoView();
  } catch {
    location.assign(address); // such as the page to log in
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-part]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  show(link.href);
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.part) return;
  event.preventDefault();
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
  show(`${location.pathname}?${query}#history`);
});

if (document.getElementById("history")) {
  addEventListener("popstate", () => {
    if (document.querySelector("[data-part]")) show(location.href, true);
  });
}

// A report shows what it found at once; here it looks further until the page is full.
const found = document.getElementById("found");
if (found) {
  const stop = button("Stop", "Stop looking further");
  const told = document.createElement("p");
  told.className = "visually-hidden";
  told.setAttribute("role", "status");
  found.after(told);
  let isLooking = false;
  let isStopped = false;
  stop.addEventListener("click", () => (isStopped = true));

  async function lookFurther() {
    const further = () => found.querySelector("[data-further]");
    if (isLooking || !further()) return;
    isLooking = true;
    found.setAttribute("aria-busy", "true");
    found.after(stop);
    try {
      while (further() && !isStopped && !document.hidden) {
        const made = await part("found", further().href);
        found.querySelector("tbody").append(...made.querySelectorAll("tbody tr"));
        found.querySelector(".looked").replaceWith(made.querySelector(".looked"));
      }
    } catch {
      isStopped = true; // the link stays, and leads to such as the page to log in
    }
    const hadFocus = document.activeElement === stop;
    stop.remove();
    found.removeAttribute("aria-busy");
    isLooking = false;
    if (hadFocus) found.querySelector(".looked a")?.focus();
    if (!document.hidden) told.textContent = found.querySelector(".looked p").textContent;
  }

  found.addEventListener("click", (event) => {
    if (!event.target.closest("[data-further]")) return;
    event.preventDefault();
    isStopped = false;
    lookFurther();
  });
  document.addEventListener("visibilitychange", () => isStopped || lookFurther());
  lookFurther();
}
