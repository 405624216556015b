// The desk by keyboard: j and k go through the list, Enter opens, and with nothing chosen Enter starts with the oldest.
"use strict";

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const links = [...document.querySelectorAll("tbody th a")];
  const at = links.indexOf(document.activeElement);
  if (event.key === "j" || event.key === "k") {
    const next = links[event.key === "j" ? at + 1 : at - 1];
    if (next) next.focus();
  } else if (event.key === "Enter" && (document.activeElement === document.body || document.activeElement.id === "main")) {
    document.getElementById("start")?.click();
  }
});
