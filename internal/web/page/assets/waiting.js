// Goes on as soon as access is decided. The server sends "access" events over
// server-sent events (WHATWG HTML, section 9.2). Without this script the page
// reloads every 10 seconds.
"use strict";
{
  const status = document.getElementById("watch");
  const checked = document.getElementById("checked");
  const check = document.getElementById("check");
  const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const patience = 5_000;
  const pause = 10_000;
  let losing;

  // The line is a live region: it is read out whenever it changes, so it
  // changes only when there is news.
  const say = (text) => {
    if (status.textContent !== text) status.textContent = text;
  };

  const heard = () => {
    clearTimeout(losing);
    losing = undefined;
    say("Watching for the decision.");
    const now = new Date();
    checked.textContent = clock.format(now);
    checked.dateTime = now.toISOString();
    checked.title = now.toUTCString();
  };

  // The link is ours; another origin here would be a mistake of the server's.
  const goOn = () => {
    if (new URL(check.href).origin === location.origin) location.assign(check.href);
  };

  // Asks as a reload would. The server redirects whoever is no longer waiting
  // and answers the page itself to all others.
  const ask = async () => {
    try {
      const answer = await fetch(location.href, { redirect: "manual", cache: "no-store" });
      if (answer.type === "opaqueredirect") return goOn();
      if (answer.ok) heard();
    } catch {
      // No connection, which onerror has noted.
    }
    watch();
  };

  const watch = () => {
    const source = new EventSource(status.dataset.eventsUrl);
    source.onopen = heard;
    source.addEventListener("access", (event) => {
      heard();
      if (JSON.parse(event.data).access !== "waiting") {
        source.close();
        goOn();
      }
    });
    source.onerror = () => {
      // Proxies cut long answers as a matter of course, and EventSource comes
      // back by itself: only a loss that lasts is news.
      losing ??= setTimeout(() => say("Connection lost. Trying again."), patience);
      // It gives up for good when it is answered by an error: in a restart, at
      // the limit of open streams, or because the session has ended.
      if (source.readyState === EventSource.CLOSED) setTimeout(ask, pause);
    };
  };

  watch();
}
