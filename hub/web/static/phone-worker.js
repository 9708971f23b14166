// Shows what the hub pushes, also while no page of it is open. A later page of the same moment takes an earlier one's
// place, and "over" as well; a tap leads to the moment.

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  const page = event.data?.json() ?? { title: "Andgate", text: "", tag: "andgate", link: "/", kind: "page" };
  const over = page.kind === "over";
  event.waitUntil(self.registration.showNotification(page.title, {
    body: page.text, tag: page.tag, renotify: !over, silent: over, requireInteraction: !over, data: { link: page.link },
  }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(self.clients.openWindow(event.notification.data?.link ?? "/"));
});
