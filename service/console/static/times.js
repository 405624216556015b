// Times come in UTC; show them in the viewer's own zone and leave UTC in the title.
"use strict";

const veragateTimes = (root) => {
  const today = new Date().toDateString();
  for (const element of root.querySelectorAll("time[datetime]:not([data-local])")) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.valueOf())) continue;
    const time = moment.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
    element.textContent = moment.toDateString() === today ? time : `${moment.toLocaleDateString([], { dateStyle: "medium" })}, ${time}`;
    element.dataset.local = "";
  }
};
veragateTimes(document);
