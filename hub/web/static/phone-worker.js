// Shows what the hub pushes, also while no page of it is open. A later page of the same moment takes an earlier one's
// place, and "over" as well; a tap leads to the moment. That a page is here, and that it was tapped, goes back with the
// slip that came with it; where the hub cannot be reached from here, nobody learns of it, and nothing else changes.
//
// A page that can be answered has a button for that. Where the hub knows whose phone this is, the button is the answer
// ("on my way, 2 minutes"), and the notification says that the hub has it; else it opens the page that asks who comes.
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
    data: { link: page.link, slip: page.slip, answer: page.answer, named: page.named, title: page.title, tag: page.tag },
    actions: page.answer ? [{ action: "claim", title: "I’m on my way" }] : [],
  });
}

// Says "on my way" without a screen; whether the hub has it. It does not where the link was used, or it is over.
async function claimed(answer) {
  try {
    const sent = await fetch(answer, {
      method: "POST", body: new URLSearchParams({ do: "claim", minutes: "2" }), redirect: "manual", keepalive: true,
    });
    return sent.type === "opaqueredirect" || sent.ok;
  } catch {
    return false;
  }
}

async function answered({ link, slip, answer, named, title, tag }, action) {
  if (action === "claim" && named && await claimed(answer)) {
    await self.registration.showNotification(title, {
      body: "You are on it. The hub has it.", tag, silent: true, data: { link: answer, slip },
    });
    return;
  }
  await self.clients.openWindow(answer ?? link ?? "/");
}

self.addEventListener("notificationclick", (event) => {
  const data = event.notification.data ?? {};
  event.notification.close();
  event.waitUntil(Promise.all([answered(data, event.action), acknowledge(data.slip, "read")]));
});
