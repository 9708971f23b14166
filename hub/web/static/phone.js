// Asks the browser for a subscription to web push and hands it to the hub, one group at a time; and takes it back.

const words = JSON.parse(document.getElementById("words").textContent);
const list = document.getElementById("groups");
const said = document.getElementById("said");
const at = list?.dataset.at; // the page's own address: of groups, or of one person
const say = (key, more = {}) => Object.entries(more).reduce((text, [name, value]) => text.replaceAll(`{${name}}`, value), words[key]);

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST", headers: { "content-type": "application/json", accept: "application/json" }, body: JSON.stringify(body),
  });
  const found = await answer.json();
  if (!answer.ok) throw new Error([found.detail, found.remedy].filter(Boolean).join(" "));
  return found.groups;
}

function show(groups) {
  for (const button of list.querySelectorAll("button")) {
    const on = groups.includes(button.dataset.group);
    button.setAttribute("aria-pressed", String(on));
    button.textContent = say(on ? "phone.off" : "phone.on", { group: button.dataset.name });
  }
  said.textContent = groups.length ? say("phone.is") : say("phone.not");
}

async function subscribed(worker) {
  const known = await worker.pushManager.getSubscription();
  const ours = known?.options?.applicationServerKey;
  if (known && (!ours || text(ours) === list.dataset.key)) return known;
  await known?.unsubscribe(); // made for a hub that is no more
  return worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(list.dataset.key) });
}

async function press(button, worker) {
  const { group } = button.dataset;
  if (button.getAttribute("aria-pressed") === "true") {
    const known = await worker.pushManager.getSubscription();
    const left = known ? await post(`${at}/forget`, { endpoint: known.endpoint, group }) : [];
    if (!left.length) await known?.unsubscribe();
    show(left);
    return;
  }
  if ((await Notification.requestPermission()) !== "granted") throw new Error(say("phone.denied"));
  const made = await subscribed(worker);
  show(await post(at, { group, endpoint: made.endpoint, p256dh: text(made.getKey("p256dh")), auth: text(made.getKey("auth")) }));
}

async function active(worker) {
  const coming = worker.active ? null : (worker.installing ?? worker.waiting);
  if (!coming || coming.state === "activated") return;
  await new Promise((done) => {
    coming.addEventListener("statechange", () => coming.state === "activated" && done());
  });
}

async function start() {
  if (!isSecureContext) throw new Error(say("phone.insecure"));
  if (!("serviceWorker" in navigator) || !("PushManager" in window) || !("Notification" in window)) throw new Error(say("phone.cannot"));
  const worker = await navigator.serviceWorker.register("/static/phone-worker.js");
  await active(worker);
  const known = await worker.pushManager.getSubscription();
  show(known ? await post(`${at}/known`, { endpoint: known.endpoint }) : []);
  list.hidden = false;
  list.addEventListener("click", async (event) => {
    const button = event.target.closest("button");
    if (!button || button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    try {
      await press(button, worker);
    } catch (wrong) {
      said.textContent = say("phone.wrong", { why: wrong.message });
    } finally {
      button.removeAttribute("aria-disabled");
    }
  });
}

if (list) start().catch((wrong) => {
  said.textContent = wrong.message;
});
