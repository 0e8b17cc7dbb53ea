// The calculator on the pricing page: the visitor's own assumptions, whole rupees, no forecast.
"use strict";

(() => {
  const form = document.querySelector("[data-roi]");
  if (!form) return;
  const rupees = new Intl.NumberFormat("en-IN", { style: "currency", currency: "INR", maximumFractionDigits: 0 });
  const value = (name) => Math.max(0, Number(form.elements[name].value) || 0);

  function calculate() {
    const bill = value("bill");
    const cache = (bill * value("repeated")) / 100;
    const routing = ((bill - cache) * value("movable") * (100 - value("ratio"))) / 10000;
    return { cache, routing, plan: -value("plan"), net: cache + routing - value("plan") };
  }

  function show() {
    for (const [name, amount] of Object.entries(calculate())) {
      form.querySelector(`[data-result="${name}"]`).textContent = rupees.format(Math.round(amount));
    }
    form.querySelectorAll("[data-percent]").forEach((output) => {
      output.textContent = `${form.elements[output.dataset.percent].value} %`;
    });
  }

  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  show();
})();
