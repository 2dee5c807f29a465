"use strict";
// Everything works without this file: it only adds the local time to instants shown in UTC.
const say = (root) => {
  for (const time of root.querySelectorAll("time[datetime]")) {
    time.title = new Date(time.dateTime).toLocaleString(undefined, { timeZoneName: "short" });
  }
};
say(document);
document.addEventListener("htmx:afterSwap", (event) => say(event.target.parentNode || document));
