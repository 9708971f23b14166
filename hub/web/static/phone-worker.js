// Shows what the hub pushes, also while no page of it is open. A later page of the same moment takes an earlier one's
// place, and "over" as well; a tap leads to the moment. That a page is here, and that it was tapped, goes back with the
// slip that came with it; where the hub cannot be reached from here, nobody learns of it, and nothing else changes.
//
// A silent drill makes no sound; it shows itself all the same, since browsers take the right to push from a site that
// shows nothing.

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  const page = event.data?.json() ?? { title: "Andgate", text: "", tag: "andgate", link: "/", kind: "page" };
  event.waitUntil(Promise.all([shown(page), acknowledge(page.slip, "delivered")]));
});

async function acknowledge(slip, what) {
  if (!slip) return;
  try {
    await fetch("/phone/receipt", {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ slip, what }), keepalive: true,
    });
  } catch { /* not in the reach of the hub */ }
}

async function shown(page) {
  const quiet = page.kind === "over" || (page.kind === "drill" && page.loud === false);
  await self.registration.showNotification(page.title, {
    body: page.text, tag: page.tag, renotify: !quiet, silent: quiet, requireInteraction: page.kind === "page",
    data: { link: page.link, slip: page.slip },
  });
}

self.addEventListener("notificationclick", (event) => {
  const { link, slip } = event.notification.data ?? {};
  event.notification.close();
  event.waitUntil(Promise.all([self.clients.openWindow(link ?? "/"), acknowledge(slip, "read")]));
});
