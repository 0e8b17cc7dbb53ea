// Says whether the page's live connection is up. The connection itself and the swapping are htmx's.
"use strict";

(() => {
  function show(state, label) {
    const status = document.querySelector("[data-live-status]");
    if (!status) return;
    status.dataset.state = state;
    status.querySelector("[data-live-label]").textContent = label;
  }

  document.addEventListener("htmx:ws:after:connection", () => show("live", "Live"));
  document.addEventListener("htmx:ws:close", () => show("waiting", "Reconnecting"));
})();
