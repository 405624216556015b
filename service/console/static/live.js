// Keeps the part of a page that has data-live up to date from its stream of events.
"use strict";

const part = document.getElementById("live");
const source = new EventSource(part.dataset.live);
source.onmessage = (event) => {
  part.innerHTML = event.data;
  part.classList.remove("stale");
  part.removeAttribute("title");
  veragateTimes(part);
};
source.onerror = () => {
  part.classList.add("stale");
  part.title = part.dataset.lost;
};
