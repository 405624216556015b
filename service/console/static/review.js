// Looking closely by keyboard and mouse: two pictures that zoom and move as one, flicker, and boxes drawn on the original.
"use strict";

const viewer = document.getElementById("viewer");
const form = document.getElementById("decision");
const tools = document.getElementById("tools");
const stacks = [...viewer.querySelectorAll(".layers")];
const width = Number(viewer.dataset.width);
const height = Number(viewer.dataset.height);
const most = 12;
const looks = { zoom: 1, x: 0, y: 0 }; // x, y: what of the picture is moved out at the left and top, as a share of it

// Zoom in step

const place = () => {
  const free = 1 - 1 / looks.zoom;
  looks.x = Math.min(Math.max(looks.x, 0), free);
  looks.y = Math.min(Math.max(looks.y, 0), free);
  for (const stack of stacks) {
    stack.style.transform = `scale(${looks.zoom}) translate(${-100 * looks.x}%, ${-100 * looks.y}%)`;
  }
  viewer.classList.toggle("zoomed", looks.zoom > 1);
  if (looks.zoom > 1) sharpen();
};

let sharp = false;
const sharpen = () => { // from the first zoom on, every pixel that there is
  if (sharp || Math.max(width, height) <= 1600) return;
  sharp = true;
  for (const image of viewer.querySelectorAll("img")) image.src = image.src.replace("?fit=1600", "?fit=full");
};

const zoom = (factor, atX = 0.5, atY = 0.5) => {
  const before = looks.zoom;
  looks.zoom = Math.min(Math.max(before * factor, 1), most);
  looks.x += atX / before - atX / looks.zoom;
  looks.y += atY / before - atY / looks.zoom;
  place();
};

const move = (x, y) => {
  looks.x += x / looks.zoom;
  looks.y += y / looks.zoom;
  place();
};

const whole = () => {
  looks.zoom = 1;
  place();
};

// Side by side or flicker

const press = (name, pressed) => tools.querySelector(`[data-do="${name}"]`)?.setAttribute("aria-pressed", String(pressed));
const mode = () => press("mode", viewer.classList.toggle("flicker"));
const flip = () => {
  if (!viewer.classList.contains("flicker")) mode();
  viewer.classList.toggle("flipped");
};
const outline = () => press("outline", !viewer.classList.toggle("no-outline"));
const map = () => press("map", viewer.classList.toggle("with-map"));

const actions = { mode, flip, outline, map, whole, in: () => zoom(1.5), out: () => zoom(1 / 1.5) };
tools.hidden = false;
viewer.classList.add("live");
tools.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button) actions[button.dataset.do]();
});

viewer.addEventListener("wheel", (event) => {
  if (!event.ctrlKey && looks.zoom === 1) return; // the page scrolls as ever until somebody zooms
  event.preventDefault();
  const [x, y] = shareOf(event);
  zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, x, y);
}, { passive: false });

// Boxes: a line of numbers each, and a rectangle on the original

const field = document.getElementById("boxes");
const canvas = viewer.querySelector('[data-pane="original"] .layers');
const read = () => (field ? field.value.split("\n").map((line) => line.trim().split(/[\s,]+/).map(Number)) : [])
  .filter((box) => box.length === 4 && box.every(Number.isInteger));

const show = (drawn) => {
  canvas.querySelectorAll(".box").forEach((box) => box.remove());
  for (const [left, top, right, bottom] of drawn ? [...read(), drawn] : read()) {
    const box = document.createElement("div");
    box.className = "box";
    box.style.left = `${100 * left / width}%`;
    box.style.top = `${100 * top / height}%`;
    box.style.width = `${100 * (right - left) / width}%`;
    box.style.height = `${100 * (bottom - top) / height}%`;
    canvas.append(box);
  }
};

const shareOf = (event) => {
  const frame = (event.target.closest(".pane") ?? viewer).querySelector(".frame").getBoundingClientRect();
  return [(event.clientX - frame.left) / frame.width, (event.clientY - frame.top) / frame.height];
};
const pixelOf = (event) => {
  const [x, y] = shareOf(event);
  const across = Math.round(width * (looks.x + x / looks.zoom));
  const down = Math.round(height * (looks.y + y / looks.zoom));
  return [Math.min(Math.max(across, 0), width), Math.min(Math.max(down, 0), height)];
};
const boxOf = ([x1, y1], [x2, y2]) => [Math.min(x1, x2), Math.min(y1, y2), Math.max(x1, x2), Math.max(y1, y2)];

let drag = null;
viewer.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || !event.target.closest(".frame")) return;
  const draws = redacts() && width && event.target.closest('[data-pane="original"]');
  drag = { draws, from: draws ? pixelOf(event) : null, x: event.clientX, y: event.clientY };
  event.target.setPointerCapture(event.pointerId);
  event.preventDefault();
  viewer.focus({ preventScroll: true });
});
viewer.addEventListener("pointermove", (event) => {
  if (!drag) return;
  if (drag.draws) return show(boxOf(drag.from, pixelOf(event)));
  const frame = viewer.querySelector(".frame").getBoundingClientRect();
  move((drag.x - event.clientX) / frame.width, (drag.y - event.clientY) / frame.height);
  drag.x = event.clientX;
  drag.y = event.clientY;
});
viewer.addEventListener("pointerup", (event) => {
  if (drag?.draws) {
    const box = boxOf(drag.from, pixelOf(event));
    if (box[2] - box[0] > 2 && box[3] - box[1] > 2) field.value = `${field.value.trim()}\n${box.join(" ")}`.trim();
    show();
  }
  drag = null;
});
field?.addEventListener("input", () => show());

// Decisions

const redacts = () => form?.querySelector("#d-redact")?.checked ?? false;
const chosen = () => {
  viewer.classList.toggle("drawing", redacts());
  if (redacts() && viewer.classList.contains("flicker")) viewer.classList.add("flipped");
};
form?.addEventListener("change", chosen);

const choose = (number) => {
  const radio = form?.querySelectorAll('input[name="decision"]')[number - 1];
  if (!radio) return;
  radio.checked = true;
  chosen();
  radio.focus();
};

const keys = {
  f: mode, " ": flip, o: outline, m: map, "0": whole, "+": actions.in, "=": actions.in, "-": actions.out,
  ArrowLeft: () => move(-0.15, 0), ArrowRight: () => move(0.15, 0), ArrowUp: () => move(0, -0.15), ArrowDown: () => move(0, 0.15),
  j: () => document.querySelector('a[rel="next"]')?.click(),
  k: () => document.querySelector('a[rel="prev"]')?.click(),
  r: () => document.getElementById("reason")?.focus(),
};
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.ctrlKey) return form?.requestSubmit();
  if (event.key === "Escape") return document.activeElement.blur();
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const on = document.activeElement;
  const writes = on.matches("textarea, select, input:not([type=radio], [type=checkbox])");
  const presses = event.key === " " && on.matches("button, a, input, summary");
  const chooses = event.key.startsWith("Arrow") && (on.matches("input[type=radio]") || (looks.zoom === 1));
  if (writes || presses || chooses) return;
  if (/^[1-9]$/.test(event.key)) choose(Number(event.key));
  else if (keys[event.key]) keys[event.key]();
  else return;
  event.preventDefault();
});

show();
chosen();
