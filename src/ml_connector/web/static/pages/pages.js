"use strict";
// Everything works without this file: it adds the local time to instants shown in UTC, and looks
// after parts of a page that renew themselves: who works in one goes on there, and whoever looks at
// one that is not renewed any more is told so.
const say = (root) => {
  for (const time of root.querySelectorAll("time[datetime]")) {
    time.title = new Date(time.dateTime).toLocaleString(undefined, { timeZoneName: "short" });
  }
};
say(document);

const WORKED_WITH = "a, button, select, input, summary, [tabindex]";
const lost = document.getElementById("lost");
let renewed = new Date();
let left = null;

const tell = (text) => {
  if (lost && lost.textContent !== text) {
    lost.textContent = text;
    lost.hidden = !text;
  }
};
const name = (one) => [one.tagName, one.id, one.getAttribute("href"), one.textContent.trim()].join("|");
const list = (root, kind) => [...root.querySelectorAll(kind)];

const remember = (part) => {
  const active = part.contains(document.activeElement) ? document.activeElement : null;
  left = {
    id: part.id,
    focus: active && name(active),
    open: list(part, "details").map((one) => one.open),
    chosen: list(part, "select").map((one) => one.value),
    moved: list(part, ".scroll").map((one) => one.scrollLeft),
  };
};
const restore = (part) => {
  list(part, "details").forEach((one, at) => { one.open = Boolean(left.open[at]); });
  list(part, "select").forEach((one, at) => {
    if ([...one.options].some((option) => option.value === left.chosen[at])) one.value = left.chosen[at];
  });
  list(part, ".scroll").forEach((one, at) => { one.scrollLeft = left.moved[at] || 0; });
  if (left.focus) {
    const same = list(part, WORKED_WITH).find((one) => name(one) === left.focus);
    // What was worked with may be gone, as a run ends: one goes on at the top of the content.
    (same || document.getElementById("content")).focus({ preventScroll: true });
  }
};

document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.shouldSwap && event.detail.target.id) remember(event.detail.target);
});
document.addEventListener("htmx:afterSwap", (event) => {
  renewed = new Date();
  tell("");
  const part = left && document.getElementById(left.id);
  if (part) restore(part);
  left = null;
  say(part || event.target.parentNode || document);
});
const silent = () => {
  tell(`The pages do not answer. What is shown is of ${renewed.toLocaleTimeString()}; it is renewed as soon as they answer.`);
};
document.addEventListener("htmx:sendError", silent);
document.addEventListener("htmx:timeout", silent);
document.addEventListener("htmx:responseError", (event) => {
  const status = event.detail.xhr.status;
  if (status >= 500 || status === 429) silent();
  else tell(`What is shown is of ${renewed.toLocaleTimeString()} and is not renewed any more. Load the page again.`);
});
