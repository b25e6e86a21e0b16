"use strict";

// Without this script the form sends one file; with it several, one after the other.
const form = document.getElementById("upload");
const chosen = form.querySelector("[type=file]");
const list = document.getElementById("uploads");
let last = Promise.resolve();

chosen.multiple = true;
form.querySelector("[type=submit]").hidden = true;
form.querySelector("label").textContent += ": choose some, or drop them here";

function element(name, text = "") {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function counted(number, noun) {
  return `${number.toLocaleString("en-GB")} ${noun}${number === 1 ? "" : "s"}`;
}

function told(request) {
  try {
    return JSON.parse(request.responseText);
  } catch {
    return { detail: request.status ? `The server answered ${request.status}.` : "The connection was lost." };
  }
}

function show(line, request) {
  const answer = told(request);
  const isLoaded = request.status >= 200 && request.status < 300;
  const outcome = element("strong", answer.outcome || "not taken");
  const reason = isLoaded ? answer.reason : [answer.detail, answer.remedy].filter(Boolean).join(". ");
  line.className = isLoaded && !answer.rejected_line_count ? "done" : "attention";
  line.append(outcome, reason ? `: ${reason}` : "");
  if (answer.outcome === "loaded" || answer.outcome === "loaded with rejections") {
    const lines = counted(answer.rejected_line_count, "rejected line");
    line.append(` (${counted(answer.reading_count, "reading")}, ${lines})`);
  }
  if (answer.page) {
    const link = element("a", "See the file");
    link.href = answer.page;
    line.append(" ", link);
  }
}

function send(file, line, bar) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    const data = new FormData();
    data.append("file", file);
    request.upload.addEventListener("progress", (event) => {
      bar.value = event.loaded / event.total;
    });
    request.addEventListener("loadend", () => {
      bar.remove();
      show(line, request);
      resolve();
    });
    request.open("POST", form.dataset.receiver);
    request.setRequestHeader("X-CSRFToken", form.querySelector("[name=csrfmiddlewaretoken]").value);
    request.send(data);
  });
}

function take(files) {
  for (const file of files) {
    const line = element("li");
    const bar = element("progress");
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", file.name);
    line.append(element("span", file.name), " ", bar);
    list.append(line);
    last = last.then(() => send(file, line, bar));
  }
}

chosen.addEventListener("change", () => {
  take([...chosen.files]);
  chosen.value = "";
});
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("dragover", (event) => {
  event.preventDefault();
  form.classList.add("over");
});
form.addEventListener("dragleave", () => form.classList.remove("over"));
form.addEventListener("drop", (event) => {
  event.preventDefault();
  form.classList.remove("over");
  take([...event.dataTransfer.files]);
});
