"""The words of the page that makes a phone a pager."""

from __future__ import annotations

PHONE: dict[str, str] = {
    "phone.title": "Page this phone",
    "phone.more": "Pages of a group then come to this phone, also while this page is closed. No account is needed.",
    "phone.more.own": "Your pages then come to this phone while you are on shift, also while this page is closed. No "
    "account is needed.",
    "phone.none": "No group’s pages go to phones here. Your own do: your page under People shows how.",
    "phone.script": "This page needs its script.",
    "phone.on": "Page me on this phone: {group}",
    "phone.off": "No more pages on this phone: {group}",
    "phone.is": "This phone is paged.",
    "phone.not": "This phone is not paged yet.",
    "phone.insecure": "Browsers take pages only where the address begins with https. Open this page that way.",
    "phone.cannot": "This browser cannot be paged. On an iPhone add this page to the Home Screen, and open it there.",
    "phone.denied": "This browser was told to show no notifications. Allow them for this page, then try again.",
    "phone.wrong": "That did not work. {why}",
}
