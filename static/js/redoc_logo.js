// ReDoc's viewer wants its maker's logo from a server of theirs, and has no setting for that. Nothing here is fetched
// from elsewhere, so the image gets an address without content, in both ways that React gives it one: the viewer then
// leaves it out by itself.
(() => {
  const served = (url) => (String(url).startsWith("https://cdn.redoc.ly/") ? "data:," : url);
  const image = HTMLImageElement.prototype;
  const setAttribute = image.setAttribute;
  const source = Object.getOwnPropertyDescriptor(image, "src");
  image.setAttribute = function (name, value) {
    setAttribute.call(this, name, name === "src" ? served(value) : value);
  };
  Object.defineProperty(image, "src", {
    ...source,
    set(url) {
      source.set.call(this, served(url));
    },
  });
})();
