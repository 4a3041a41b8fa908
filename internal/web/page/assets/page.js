// Rewrites times in the reader's zone. The page is written in English, so the
// words are too; the UTC form stays in each title.
"use strict";
{
  const minute = { hour: "2-digit", minute: "2-digit" };
  const day = { day: "numeric", month: "short", year: "numeric" };
  const formats = {
    time: new Intl.DateTimeFormat("en-GB", { ...day, ...minute }),
    day: new Intl.DateTimeFormat("en-GB", day),
    clock: new Intl.DateTimeFormat("en-GB", { ...minute, second: "2-digit" }),
  };
  for (const time of document.querySelectorAll("time[data-local]")) {
    time.textContent = formats[time.dataset.local].format(new Date(time.dateTime));
  }
}
