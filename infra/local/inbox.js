// Keeps the list fresh without taking the focus or the scroll position away: only what changed is replaced.
"use strict";

async function refresh() {
  const answer = await fetch("/");
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ["count", "mails"]) {
    const shown = document.getElementById(id);
    const now = fresh.getElementById(id);
    if (shown.innerHTML !== now.innerHTML) shown.innerHTML = now.innerHTML;
  }
  document.title = fresh.title;
}

// A stack that was stopped answers nothing; the page waits for the next one.
setInterval(() => refresh().catch(() => {}), 2000);
