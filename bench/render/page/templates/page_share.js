// A link that brings this view back: the address holds it.

function writeAddress(view) {
  clearTimeout(view.writing);
  view.writing = setTimeout(() => {
    const hash = stateToHash(view.state, view.data);
    if (hash === window.location.hash.replace(/^#/, "")) return;
    try {
      window.history.replaceState(null, "", `#${hash}`);
    } catch {
      window.location.hash = hash; // where the history may not be written, as in some mail programs
    }
  }, 150);
}

function linkTo(view) {
  const hash = stateToHash(view.state, view.data);
  return window.location.href.replace(/#.*$/, "") + (hash ? `#${hash}` : "");
}

function watchSharing(view) {
  byId("copy-link").addEventListener("click", () => copyText(linkTo(view), byId("copy-link")));
  byId("print").addEventListener("click", () => window.print());
  window.addEventListener("hashchange", () => {
    if (window.location.hash.replace(/^#/, "") === stateToHash(view.state, view.data)) return;
    view.state = stateFromHash(window.location.hash, view.data);
    refresh(view);
    syncCard(view);
  });
}

/** To the clipboard; where there is none, into a field to copy from. */
async function copyText(text, button) {
  const field = button.parentElement.querySelector(".copied");
  field.hidden = true;
  try {
    await navigator.clipboard.writeText(text);
    byId("said").textContent = "Copied.";
    button.dataset.done = "copied";
    setTimeout(() => delete button.dataset.done, 1500);
  } catch {
    field.hidden = false;
    field.value = text;
    field.focus();
    field.select();
  }
}
