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
