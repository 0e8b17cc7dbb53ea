// ReDoc's viewer wants its maker's logo from a server of theirs, and has no setting for that. Nothing here is fetched
// from elsewhere, so the image is given an address that has none: the viewer then leaves it out by itself.
(() => {
  const elsewhere = "https://cdn.redoc.ly/";
  const set = Element.prototype.setAttribute;
  HTMLImageElement.prototype.setAttribute = function (name, value) {
    set.call(this, name, name === "src" && String(value).startsWith(elsewhere) ? "data:," : value);
  };
})();
