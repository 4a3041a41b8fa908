// Says that somebody new waits. The server sends "waiting" events over
// server-sent events (WHATWG HTML, section 9.2). Nothing on the page moves:
// whoever wants to see them follows the link.
"use strict";
{
  const status = document.getElementById("news");
  const link = document.getElementById("reload");
  const pause = 10_000;

  // The line is a live region: it is read out whenever it changes, so it
  // changes only when there is news.
  const say = ({ more, newest = "Somebody" }) => {
    // What somebody is called is text, whatever it holds.
    const others = more >= 100 ? "at least 99" : more - 1;
    const text = more === 0 ? "" : more === 1 ? `${newest} is waiting.` : `${newest} and ${others} more are waiting.`;
    if (status.textContent === text) return;
    status.textContent = text;
    link.hidden = more === 0;
  };

  let source;

  const watch = () => {
    source = new EventSource(status.dataset.eventsUrl);
    source.addEventListener("waiting", (event) => say(JSON.parse(event.data)));
    // EventSource comes back by itself from a lost connection. It gives up for
    // good when it is answered by an error: in a restart, at the limit of open
    // streams, or because the session has ended.
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) setTimeout(watch, pause);
    };
  };

  watch();

  // A page that the browser keeps for "back" must not hold a connection: there
  // are six to a host, and the next page needs one.
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => { if (event.persisted) watch(); });
}
