// What every page needs: the theme switch, copy buttons, tabs, and menus that close. Loaded deferred, no dependency.
"use strict";

(() => {
  const root = document.documentElement;

  const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

  function effectiveTheme() {
    return root.dataset.theme || (systemIsDark.matches ? "dark" : "light");
  }

  // The choice is a cookie, so that the server renders the right theme and nothing flashes.
  function rememberTheme(theme) {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `theme=${theme}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
    root.dataset.theme = theme;
  }

  function setUpThemeSwitch() {
    const button = document.querySelector("[data-theme-toggle]");
    if (!button) return;
    const describe = () => {
      const next = effectiveTheme() === "dark" ? "light" : "dark";
      button.setAttribute("aria-label", `Switch to the ${next} theme`);
      button.title = `Switch to the ${next} theme`;
    };
    button.hidden = false;
    systemIsDark.addEventListener("change", describe);
    button.addEventListener("click", () => {
      rememberTheme(effectiveTheme() === "dark" ? "light" : "dark");
      describe();
    });
    describe();
  }

  async function copyText(button, text) {
    const label = button.textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Press Ctrl+C";
      const range = document.createRange();
      range.selectNodeContents(button.parentElement.querySelector("pre"));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
    }
    setTimeout(() => (button.textContent = label), 2000);
  }

  function addCopyButton(snippet) {
    if (snippet.querySelector(".copy")) return;
    const pre = snippet.querySelector("pre");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy ${snippet.dataset.label || "the code"}`);
    button.addEventListener("click", () => copyText(button, pre.textContent.trim()));
    snippet.append(button);
    pre.tabIndex = 0;
  }

  function selectTab(tabs, chosen) {
    for (const tab of tabs) {
      const selected = tab === chosen;
      tab.setAttribute("aria-selected", selected);
      tab.tabIndex = selected ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !selected;
    }
  }

  function moveBetweenTabs(tabs, event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = tabs[(tabs.indexOf(event.target) + step + tabs.length) % tabs.length];
    selectTab(tabs, next);
    next.focus();
  }

  // The markup is a list of titled panels that read well without scripts; here they become tabs.
  function buildTabs(group) {
    if (group.classList.contains("ready")) return;
    const list = document.createElement("div");
    list.setAttribute("role", "tablist");
    list.setAttribute("aria-label", group.dataset.label || "Languages");
    const tabs = [...group.querySelectorAll(".tab-panel")].map((panel) => {
      const tab = document.createElement("button");
      tab.type = "button";
      tab.id = `${panel.id}-tab`;
      tab.textContent = panel.querySelector("h3").textContent;
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-controls", panel.id);
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", tab.id);
      list.append(tab);
      return tab;
    });
    list.addEventListener("click", (event) => tabs.includes(event.target) && selectTab(tabs, event.target));
    list.addEventListener("keydown", (event) => moveBetweenTabs(tabs, event));
    group.prepend(list);
    group.classList.add("ready");
    selectTab(tabs, tabs[0]);
  }

  function setUpMenus() {
    const close = (menu) => (menu.open = false);
    document.addEventListener("click", (event) => {
      document.querySelectorAll("[data-menu][open]").forEach((menu) => menu.contains(event.target) || close(menu));
    });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      document.querySelectorAll("[data-menu][open]").forEach((menu) => {
        close(menu);
        menu.querySelector("summary").focus();
      });
    });
  }

  function decorate() {
    document.querySelectorAll(".snippet").forEach(addCopyButton);
    document.querySelectorAll(".tabs").forEach(buildTabs);
  }

  setUpThemeSwitch();
  setUpMenus();
  decorate();
  document.addEventListener("htmx:after:swap", decorate);
})();
