// Asks for the part of a page again until nothing more changes by itself.
"use strict";

const followed = document.getElementById("follow");
const timer = setInterval(async () => {
  const answer = await fetch(followed.dataset.from, { redirect: "error" }).catch(() => null);
  if (!answer || !answer.ok) return;
  const html = await answer.text();
  if (html !== followed.dataset.last) followed.innerHTML = html;
  followed.dataset.last = html;
  if (followed.querySelector("[data-settled]")) clearInterval(timer);
}, 1500);
