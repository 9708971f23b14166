// Keeps the time left true while the page behind a link is open. Without this script it says how it stood at loading.

import { leftText, siteNow } from "./clock.js";

function count() {
  for (const each of document.querySelectorAll("[data-down]")) {
    each.textContent = leftText(Number(each.dataset.down) - siteNow());
  }
}

count();
setInterval(count, 250);
// One tap is one answer: a finger that trembles must not send a second form while the first is on its way.
for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form")) delete form.dataset.sent;
});
