// Pictures by drag and drop, small previews drawn here in the browser, and a word while they are on their way.
"use strict";

const form = document.getElementById("pictures");
const input = document.getElementById("files");
const drop = document.getElementById("drop");
const thumbs = document.getElementById("thumbs");
const count = document.getElementById("count");
const mistake = document.getElementById("mistake");
const most = Number(form.dataset.most);
let round = 0;

const tell = (text) => {
  mistake.textContent = text;
  mistake.hidden = !text;
};

// The entries of a dropped folder, however deep, in the order of their names.
const within = async (entry) => {
  if (entry.isFile) return [await new Promise((done, fail) => entry.file(done, fail))];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!some.length) break;
    found.push(...some);
  }
  found.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  return (await Promise.all(found.map(within))).flat();
};

const show = async () => {
  const mine = ++round;
  const files = [...input.files];
  thumbs.replaceChildren();
  count.textContent = files.length ? count.dataset.text.replace("{count}", files.length) : "";
  tell(files.length > most ? form.dataset.tooMany.replace("{count}", files.length) : "");
  for (const file of files.slice(0, most)) {
    const picture = await createImageBitmap(file, { resizeHeight: 120, resizeQuality: "medium" }).catch(() => null);
    if (mine !== round) return;
    if (!picture) continue;
    const canvas = document.createElement("canvas");
    canvas.width = picture.width;
    canvas.height = picture.height;
    canvas.getContext("2d").drawImage(picture, 0, 0);
    picture.close();
    const item = document.createElement("li");
    item.append(canvas);
    thumbs.append(item);
  }
};

input.addEventListener("change", show);
for (const kind of ["dragenter", "dragover"]) {
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", async (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
  const files = (await Promise.all(entries.map(within))).flat();
  const chosen = new DataTransfer();
  for (const file of files) if (/\.(jpe?g|png)$/i.test(file.name)) chosen.items.add(file);
  input.files = chosen.files;
  show();
});
form.addEventListener("submit", (event) => {
  if (input.files.length > most) {
    event.preventDefault();
    return;
  }
  document.getElementById("next").disabled = true;
  const busy = document.getElementById("busy");
  busy.textContent = busy.dataset.text;
});
window.addEventListener("pageshow", () => {
  document.getElementById("next").disabled = false;
});
