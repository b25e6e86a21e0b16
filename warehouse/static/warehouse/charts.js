"use strict";

// What each mark of a chart says, by touch, mouse and arrow keys; without it hovering tells.
for (const plot of document.querySelectorAll("[data-plot]")) {
  const svg = plot.querySelector("svg");
  const marks = [...svg.querySelectorAll(".mark")]
    .map((mark) => ({ mark, x: mark.getBBox().x + mark.getBBox().width / 2, y: mark.getBBox().y }))
    .sort((one, other) => one.x - other.x);
  if (!marks.length) continue;
  const told = document.createElement("p");
  told.className = "told quiet";
  told.setAttribute("aria-live", "polite");
  if (!document.querySelector(".told")) told.textContent = "Touch or point at a mark, or use the arrow keys.";
  plot.append(told);
  plot.tabIndex = 0;
  plot.setAttribute("role", "group");
  plot.setAttribute("aria-label", `${svg.querySelector("title").textContent}: arrow keys tell each mark`);
  let chosen = -1;

  function tell(place) {
    if (chosen >= 0) marks[chosen].mark.classList.remove("chosen");
    chosen = Math.min(Math.max(place, 0), marks.length - 1);
    marks[chosen].mark.classList.add("chosen");
    told.textContent = marks[chosen].mark.querySelector("title").textContent;
  }

  function point(event) {
    const matrix = svg.getScreenCTM();
    if (!matrix) return;
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    const away = ({ x, y }) => Math.abs(x - at.x) + Math.abs(y - at.y) / 20;
    tell(marks.reduce((best, mark, place) => (away(mark) < away(marks[best]) ? place : best), 0));
  }

  svg.addEventListener("pointerdown", point);
  svg.addEventListener("pointermove", point);
  plot.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -marks.length, End: marks.length };
    if (!(event.key in steps)) return;
    event.preventDefault();
    tell(chosen + steps[event.key]);
  });
}
