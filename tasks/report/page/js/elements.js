// Elements made of text: nothing that models or news wrote is ever parsed as markup.

const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

const byId = (id) => document.getElementById(id);
const clean = (text) => String(text).replace(HIDDEN, "\ufffd");

/** An element with attributes and children; strings become text. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== false) element.setAttribute(name, value);
  }
  const shown = children.filter((child) => child !== null && child !== undefined);
  element.append(...shown.map((child) => (child instanceof Node ? child : clean(child))));
  return element;
}

/** The options of a select, from pairs of value and text. */
function setOptions(select, pairs) {
  select.replaceChildren(...pairs.map(([value, text]) => make("option", { value }, text)));
}

/** A number with a real minus and commas between thousands; a dash for none. */
function number(value, digits = 2) {
  if (typeof value !== "number" || !Number.isFinite(value)) return "–";
  const fixed = (Math.abs(value) < 0.5 * 10 ** -digits ? 0 : value).toFixed(digits);
  const [whole, part] = fixed.replace("-", "").split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return (fixed.startsWith("-") ? "−" : "") + grouped + (part ? `.${part}` : "");
}

const percent = (value) => `${value > 0 ? "+" : ""}${number(value * 100)} %`;

/** A message for those who listen to the page. */
const announce = (text) => { byId("message").textContent = text; };
